"""Protections of the panel, taken away one at a time."""

from tests.mutations.mutation import Mutation

PANEL = "tests/doors/panel"
RIGHTS = "ops/migrations/0031_panel_rights.sql"

MUTATIONS = [
    Mutation(
        rows=("INV-D2",),
        removed="that a page is for certain roles only",
        file="admin/declared.py",
        old="        return fits and (not self.roles or bool(self.roles & roles))",
        new="        return fits",
        test=f"{PANEL}/test_lists.py",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that whoever has not shown a second factor does nothing else",
        file="admin/guard.py",
        old="    if session.lacks_second and not declared.before_second:",
        new="    if False:",
        test=f"{PANEL}/test_second_factor.py",
    ),
    Mutation(
        rows=("82", "INV-T1"),
        removed="that the panel's login reads rows of one party only",
        file=RIGHTS,
        old="USING (panel_sees_all() OR %s)",
        new="USING (true OR panel_sees_all() OR %s)",
        test=f"{PANEL}/test_lists.py",
    ),
    Mutation(
        rows=("85", "INV-D2"),
        removed="that a form carries its own token",
        file="admin/app.py",
        old="    CSRFProtect(app)\n",
        new="",
        test=f"{PANEL}/test_declared.py",
    ),
    Mutation(
        rows=("86",),
        removed="that a session gets another secret when it proves more",
        file="core/parties/staff_sessions.py",
        old='"UPDATE staff_session SET secret_hash = %s, second_at',
        new='"UPDATE staff_session SET secret_hash = coalesce(secret_hash, %s), second_at',
        test=f"{PANEL}/test_second_factor.py",
    ),
    Mutation(
        rows=("96",),
        removed="that five wrong passwords stop an address",
        file="core/parties/signing_in.py",
        old="    if until is not None:",
        new="    if False:",
        test=f"{PANEL}/test_signing_in.py",
    ),
    Mutation(
        rows=("96",),
        removed="that a code of a second factor counts once",
        file="core/custody/staff/judging.py",
        old="        if step is None or step <= last_step:",
        new="        if step is None:",
        test=f"{PANEL}/test_second_factor.py",
    ),
    Mutation(
        rows=("84",),
        removed="that somebody who tries to see what is sealed is told so and written down",
        file="admin/orders/tasks.py",
        old=", reveals=True)",
        new=")",
        test=f"{PANEL}/test_order_tasks.py",
    ),
]
