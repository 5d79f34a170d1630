"""Protections of files that are brought by the panel, and of batches and contested cards there."""

from tests.mutations.mutation import Mutation

IMPORTS = "tests/doors/panel/test_import_pages.py"
REFUSED = "tests/doors/panel/test_imports_refused.py"
IN_CLEAR = "tests/doors/panel/test_nothing_in_clear.py"
BATCHES = "tests/doors/panel/test_batches.py"

MUTATIONS = [
    Mutation(
        rows=("INV-K1",),
        removed="that a file is sealed while it arrives",
        file="admin/app.py",
        old="    app.request_class = SealingRequest  # no file is written in clear\n",
        new="",
        test=IMPORTS,
    ),
    Mutation(
        rows=("INV-K1",),
        removed="that a file which no route wants is not laid down in clear",
        file="admin/arriving.py",
        old="            return io.BytesIO()",
        new="            return super()._get_file_stream(None, None, filename)",
        test=IN_CLEAR,
    ),
    Mutation(
        rows=("INV-T1",),
        removed="that a brought file is its own party's",
        file="ops/migrations/0035_brought_files.sql",
        old="('brought_file', 'party_id = panel_party()'),",
        new="('brought_file', 'true'),",
        test=REFUSED,
        more=(
            ("admin/imports/rows.py", 'ONE = _FILES + "WHERE f.party_id = %s AND', 'ONE = _FILES + "WHERE %s > 0 AND'),
        ),
    ),
    Mutation(
        rows=("106",),
        removed="the seal of a look",
        file="core/custody/imports/looking.py",
        old="if not is_sealed(self._importer.vault, look_seal, look, bytes(seal)) or owner",
        new="if owner",
        test=REFUSED,
    ),
    Mutation(
        rows=("106",),
        removed="the seal of a decision about contested cards",
        file="core/custody/imports/panel_desk.py",
        old="        if not is_sealed(self._importer.vault, wish_seal, asked, bytes(seal)):",
        new="        if False:",
        test=BATCHES,
    ),
    Mutation(
        rows=("INV-T4",),
        removed="that contested copies count as left for their owner",
        file="core/stock/keeping.py",
        old="    return BatchFigures(free + contested + void, held, sold, None, None)",
        new="    return BatchFigures(free, held, sold, None, None)",
        test=BATCHES,
    ),
    Mutation(
        rows=("INV-T4",),
        removed="that a decision stands in the platform's records only",
        file="core/custody/imports/contesting.py",
        old="party_id=actor.party_id,",
        new="party_id=execute('SELECT owner_id FROM batch WHERE id = %s', (batch,))[0][0],",
        test=BATCHES,
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a batch is put back by who locked it",
        file="core/stock/moving.py",
        old="        if is_unlocked and not may_operate(actor) and found.locked_by != actor.party_id:",
        new="        if False:",
        test=BATCHES,
    ),
]
