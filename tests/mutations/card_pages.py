"""Protections of card pages and of sealed buyer fields."""

from tests.mutations.mutation import Mutation

LINKS = "core/custody/openings/links.py"
FLOWS = "tests/flows/links/test_card_links.py"

MUTATIONS = [
    Mutation(
        rows=("102",),
        removed="the proof that a press comes from a page that has the link's key",
        file=LINKS,
        old="is_right = is_shown(key, bytes(proof_hash)) and is_own_row(",
        new="is_right = is_own_row(",
        test=f"{FLOWS}::test_fault_102_a_press_without_the_links_key_opens_and_uses_up_nothing",
    ),
    Mutation(
        rows=("INV-K2", "106"),
        removed="the seal over a link's row",
        file=LINKS,
        old="is_shown(key, bytes(proof_hash)) and is_own_row(self.vault.keys.link, row, bytes(kept[-1]))",
        new="is_shown(key, bytes(proof_hash))",
        test=f"{FLOWS}::test_fault_106_a_link_that_somebody_altered_is_none",
    ),
    Mutation(
        rows=("INV-K4",),
        removed="the audit entry of an opening by a link",
        file=LINKS,
        old="%(detail)s FROM opening\n)",
        new="%(detail)s FROM opening WHERE false\n)",
        test=f"{FLOWS}::test_a_press_opens_the_cards_in_the_page_and_nobody_between_can_read_them",
    ),
    Mutation(
        rows=("101",),
        removed="that looking at the page asks for nothing: a GET is a press",
        file="channels/web/app.py",
        old='        Route("/k/{link}", cards.page, methods=["GET"], name="card page"),\n'
        '        Route("/k/{link}", cards.press, methods=["POST"]),\n',
        new='        Route("/k/{link}", cards.press, methods=["GET", "POST"], name="card page"),\n',
        test="tests/doors/test_card_page.py",
    ),
    Mutation(
        rows=("INV-K1",),
        removed="that the cards go out sealed under the link's key",
        file=LINKS,
        old="return OpenedLink(seal_content(key, content, link=row.id, press=press_id), row, left)",
        new="return OpenedLink(content, row, left)",
        test=f"{FLOWS}::test_a_press_opens_the_cards_in_the_page_and_nobody_between_can_read_them",
    ),
    Mutation(
        rows=("96",),
        removed="the limit of presses of one network",
        file="channels/web/cardpage/page.py",
        old="PRESSES_PER_MINUTE = 20",
        new="PRESSES_PER_MINUTE = 10**6",
        test="tests/doors/test_card_page.py::test_presses_of_one_network_are_limited_and_other_sites_scripts_may_not_press",
    ),
    Mutation(
        rows=("INV-K6",),
        removed="that fields are shown to who holds the task only, and once",
        file="core/custody/openings/fields.py",
        old='if holder != staff_id or is_done or is_opened or gate != "task" or state != "paid":',
        new="if is_done:",
        test="tests/flows/test_buyer_fields.py::test_inv_k6_nobody_else_is_shown_a_field_and_nothing_changes",
        more=(("core/custody/openings/fields.py", "    if noted != 1 or not ", "    if not "),),
    ),
    Mutation(
        rows=("INV-K6", "INV-K1"),
        removed="the seal at the door: a secret field is kept as typed",
        file="core/fulfilment/fields.py",
        old="    if asked.field.is_secret:\n",
        new="    if False:\n",
        test="tests/flows/test_buyer_fields.py tests/doors/test_web_fields.py",
    ),
    Mutation(
        rows=("INV-K6",),
        removed="the wipe a day after the task",
        file="core/fulfilment/fields.py",
        old="SET sealed = NULL, text = NULL, wiped_at = %(now)s",
        new="SET wiped_at = NULL",
        test="tests/flows/test_buyer_fields.py",
    ),
    Mutation(
        rows=("INV-K2", "INV-K6"),
        removed="the line in the context of a field's seal",
        file="core/vault/fields.py",
        old="framed(_FIELD, self.vault, self.order, self.line, self.name)",
        new="framed(_FIELD, self.vault, self.name)",
        test="tests/flows/test_buyer_fields.py::test_inv_k2_a_field_that_was_moved_to_another_order_does_not_open",
    ),
]
