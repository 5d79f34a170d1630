"""Protections of cards that are traced by their secret in the panel, taken away one at a time."""

from tests.mutations.mutation import Mutation

DESK = "core/custody/staff/tracing_by_code.py"
DOOR = "tests/doors/panel/test_tracing.py"

MUTATIONS = [
    Mutation(
        rows=("INV-T1", "INV-T4"),
        removed="that the vault names to a party only cards that it may see",
        file="core/custody/imports/tracing.py",
        old="  AND (%(sees_all)s OR c.owner_id",
        new="  AND (true OR %(sees_all)s OR c.owner_id",
        test=f"{DOOR}::test_the_vault_names_no_card_of_another_party",
    ),
    Mutation(
        rows=("INV-K5",),
        removed="that the vault looks at the roles of who asks for a card by its secret",
        file=DESK,
        old="            if not roles:\n",
        new="            if False:\n",
        test=f"{DOOR}::test_the_vault_looks_at_roles_and_seal_itself",
    ),
    Mutation(
        rows=("INV-K5",),
        removed="that each question about a card's secret needs a code",
        file=DESK,
        old='            refusal = self.judge.judged(staff, digits(str(request.get("code", ""))), confirms=False)\n',
        new="            refusal = None\n",
        test=f"{DOOR}::test_without_a_right_code_or_a_forms_token_nothing_is_asked",
    ),
    Mutation(
        rows=("INV-K5",),
        removed="that questions about cards' secrets are few in an hour",
        file=DESK,
        old=" WHERE b.used < %(most)s RETURNING 1",
        new=" WHERE %(most)s > 0 RETURNING 1",
        test="tests/races/test_trace_races.py::test_of_eight_questions_at_once_only_as_many_are_answered_as_are_left",
    ),
    Mutation(
        rows=("INV-K1",),
        removed="that a card's secret is drawn on no answer",
        file="admin/orders/tracing.py",
        old="    secret = PasswordField(",
        new="    secret = StringField(",
        test=f"{DOOR}::test_the_secret_stands_nowhere_afterwards",
    ),
]
