"""Protections of the vault's split, of what it believes, and of the audit's chain."""

from tests.mutations.mutation import Mutation

SPLIT = "tests/faults/test_vault_split.py::test_inv_k5_an_attack_from_inside_reaches_nothing_of_the_others"
WRITER = "tests/faults/test_writer.py::test_fault_106_with_webs_password_alone_no_way_leads_to_a_card"

MUTATIONS = [
    Mutation(
        rows=("INV-K5",),
        removed="the paths that Landlock closes",
        file="ops/commands/process.py",
        old="confine(closed, writable=[log_dir])",
        new="confine([], writable=[log_dir])",
        test=f"{SPLIT}[landlock]",
    ),
    Mutation(
        rows=("INV-K5",),
        removed="the end of a real store's process that the kernel does not shut in",
        file="ops/commands/process.py",
        old="            if not may_stay_open:\n                raise\n",
        new="",
        test="tests/faults/test_vault_split.py::"
        "test_a_real_stores_process_that_the_kernel_does_not_shut_in_ends_with_the_reason",
    ),
    Mutation(
        rows=("INV-K5",),
        removed="the change to a user of its own",
        file="ops/isolation/accounts.py",
        old="    os.setresuid(uid, uid, uid)\n",
        new="",
        test=f"{SPLIT}[users]",
        more=(
            (
                "ops/isolation/accounts.py",
                "if os.getppid() != parent or os.getuid() != uid:",
                "if os.getppid() != parent:",
            ),
        ),
    ),
    Mutation(
        rows=("INV-K5",),
        removed="the proof that the vault asks its callers for",
        file="core/custody/server.py",
        old="        return caller is not None and operation in MAY_ASK[caller]",
        new="        return True",
        test=f"{SPLIT}[landlock]",
    ),
    Mutation(
        rows=("106",),
        removed="the order in a payment's id",
        file="core/custody/openings/evidence.py",
        old="is_bound(piece.payment, self.order)",
        new="True",
        test=WRITER,
    ),
    Mutation(
        rows=("106",),
        removed="the use of what proves a payment, where fields are shown",
        file="core/custody/openings/fields.py",
        old="    if noted != 1 or not evidence.stands(used, wallet):\n",
        new="    if noted != 1:\n",
        test="tests/flows/test_buyer_fields.py::test_a_notice_that_paid_for_another_order_shows_no_field",
    ),
    Mutation(
        rows=("106",),
        removed="the order's seal",
        file="core/custody/openings/checks.py",
        old="        check_order_seal(vault.keys.seal, sealed, delivery.seal)\n",
        new="        pass\n",
        test=WRITER,
    ),
    Mutation(
        rows=("97",),
        removed="the rule that errors' words stay out of PostgreSQL's log",
        file="ops/engines/postgres.py",
        old='"log_min_messages": "log"',
        new='"log_min_messages": "warning"',
        test="tests/faults/test_server_log.py",
    ),
    Mutation(
        rows=("98",),
        removed="the comparison of an entry with its link",
        file="core/custody/chains/chain_check.py",
        old="if not hmac.compare_digest(self.chain.link(self.last.link, text), stored):",
        new="if False:",
        test="tests/flows/audit/test_chain.py",
    ),
    Mutation(
        rows=("98",),
        removed="the comparison with what was written down outside",
        file="core/custody/chains/chainer.py",
        old="lost = head if kept is None else (None if self._is_there(kept) else kept)",
        new="lost = None",
        test="tests/flows/audit/test_marks.py",
    ),
    Mutation(
        rows=("98",),
        removed="a thread of the audit's own, beside the other rounds of the vault",
        file="core/custody/rounds.py",
        old='        return self.name.partition(".")[0]\n',
        new='        return ""\n',
        test="tests/flows/test_vault_rounds.py::"
        "test_a_rekeying_that_goes_on_for_hours_keeps_neither_the_audit_nor_the_books_waiting",
    ),
    Mutation(
        rows=("98",),
        removed="the wait for those who may still bring a lower id",
        file="core/custody/chains/chainer.py",
        old="while aim.writers & writers():",
        new="while frozenset() & writers():",
        test="tests/flows/audit/test_settled.py",
    ),
]
