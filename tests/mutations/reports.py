"""Protections of roll-ups and exports, taken away one at a time."""

from tests.mutations.mutation import Mutation

ROLLED = "tests/flows/reports/test_rollups.py"
SEEN = "tests/doors/panel/test_reports.py"
EXPORTED = "tests/doors/panel/test_exports.py"
REPORTS = "tests/doors/panel/test_report_exports.py"
RIGHTS = "ops/migrations/0039_reports.sql"

MUTATIONS = [
    Mutation(
        rows=("INV-T1", "INV-T3"),
        removed="that roll-ups are read by the party whose they are",
        file=RIGHTS,
        old="USING (panel_sees_all() OR %s)",
        new="USING (true OR panel_sees_all() OR %s)",
        test=ROLLED,
    ),
    Mutation(
        rows=("INV-M7",),
        removed="that a refund is taken off the day of its sale",
        file="core/reports/rollup_sql.py",
        old="          WHERE t.code = 'refund') moved",
        new="          WHERE t.code = 'none') moved",
        test=ROLLED,
    ),
    Mutation(
        rows=("INV-M7",),
        removed="that the mark waits for entries that are committed late",
        file="core/reports/rollup.py",
        old="        if clock.monotonic() > end:\n            return False",
        new="        if clock.monotonic() > end:\n            return True",
        test=ROLLED,
    ),
    Mutation(
        rows=("INV-T4",),
        removed="that a merchant is told its own seller only",
        file="core/reports/rollup_sql.py",
        old="FILTER (WHERE b.role = 'upstream' AND b.buyer_id = l.merchant_id) AS seller_id",
        new="FILTER (WHERE b.role = 'upstream') AS seller_id",
        test=ROLLED,
    ),
    Mutation(
        rows=("80",),
        removed="that a text gets an apostrophe where it had one, so that it comes back",
        file="admin/exports/cells.py",
        old="＋－＠'\"",
        new='＋－＠"',
        test=EXPORTED,
    ),
    Mutation(
        rows=("80",),
        removed="that texts of a workbook are texts",
        file="admin/exports/workbook.py",
        old="            sheet.write_string(at, column, value)\n        elif",
        new="            sheet.write(at, column, value)\n        elif",
        test=EXPORTED,
    ),
    Mutation(
        rows=("81",),
        removed="that rows of an export come a batch at a time",
        file="admin/exports/reading.py",
        old="cursor.fetchmany(BATCH)",
        new="cursor.fetchall()",
        test=EXPORTED,
    ),
    Mutation(
        rows=("81", "INV-D2"),
        removed="that an export asks who may have what",
        file="admin/exports/asking.py",
        old="    return {kind: sort for kind, sort in SORTS.items() if fits[kind] and session.roles & MAY[kind]}",
        new="    return dict(SORTS)",
        test=EXPORTED,
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a file tells the profit only to those whom its page tells it",
        file="admin/exports/making.py",
        old="len(sort.columns) - (0 if told_profit(self.session.roles) else sort.profits)",
        new="len(sort.columns)",
        test=REPORTS,
    ),
    Mutation(
        rows=("81",),
        removed="that the audit has the filters of an export",
        file="core/reports/exporting.py",
        old="    said |= only or {}\n",
        new="",
        test=REPORTS,
    ),
]
