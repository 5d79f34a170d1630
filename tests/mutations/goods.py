"""Protections of goods that merchants set up by themselves, taken away one at a time."""

from tests.mutations.mutation import Mutation

MUTATIONS = [
    Mutation(
        rows=("INV-T1",),
        removed="that a SKU's issuer is shared or its own merchant's",
        file="core/catalog/changes.py",
        old="    if not execute(sql.ISSUER_WITHIN_REACH, (issuer_id, owner_id)):",
        new="    if False:",
        test="tests/flows/test_own_goods.py",
    ),
    Mutation(
        rows=("INV-T1", "82"),
        removed="that the panel reads products of its own party and shared ones only",
        file="ops/migrations/0033_goods.sql",
        old="'owner_id IN (panel_party(), platform_party()) OR panel_deals_with(id)'",
        new="'true'",
        test="tests/doors/panel/test_goods.py",
    ),
    Mutation(
        rows=("INV-T1",),
        removed="that cards of the panel go into the pool of one's own party only",
        file="core/conversations/handing.py",
        old="    if actor.id is None or not own or not may_bring_stock",
        new="    if actor.id is None or not may_bring_stock",
        test="tests/flows/restock/test_restock_by_panel.py",
    ),
    Mutation(
        rows=("106",),
        removed="that the column that a person named is under the seal",
        file="core/vault/restocks.py",
        old='restock.upload_key, restock.column or "")',
        new='restock.upload_key, "")',
        test="tests/flows/restock/test_restock_sealed.py",
    ),
    Mutation(
        rows=("14",),
        removed="that no cell of a sheet is a formula",
        file="core/catalog/sheets/cells.py",
        old="""    return "'" + cell if FORMULA.match(cell) else cell""",
        new="    return cell",
        test="tests/flows/test_goods_sheets.py",
    ),
    Mutation(
        rows=("78",),
        removed="the lower limit of what a workbook of goods inflates to",
        file="core/catalog/sheets/workbook.py",
        old="Archive(file, most_bytes=MOST_INFLATED)",
        new="Archive(file)",
        test="tests/unit/test_goods_workbook.py",
    ),
    Mutation(
        rows=("78",),
        removed="that a workbook with macros is no sheet of goods",
        file="core/catalog/sheets/workbook.py",
        old="        if archive.has_macros():",
        new="        if False:",
        test="tests/unit/test_goods_workbook.py",
    ),
    Mutation(
        rows=("80",),
        removed="that a workbook of goods holds the cells of its CSV",
        file="admin/goods/sheets.py",
        old="else safe(cell)",
        new="else cell",
        test="tests/doors/panel/test_sheet_pages.py",
    ),
    Mutation(
        rows=("55",),
        removed="that a price is listed only as it was seen",
        file="core/supply/listing_offers.py",
        old="            if price.minor != pick.seen_minor:",
        new="            if False:",
        test="tests/flows/test_listing_offers.py",
    ),
]
