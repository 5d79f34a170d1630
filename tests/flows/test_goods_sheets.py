"""A sheet of goods: what its rows come to, doing all of it or nothing, and undoing the last one for a day."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.actor import Actor, ActorKind
from core.catalog.changes import set_price
from core.catalog.editing import archive_listing
from core.catalog.goods import NewGoods, create_goods
from core.catalog.rules import Category
from core.catalog.sheets.cells import read_cells, written
from core.catalog.sheets.rows import Kind, Wrong, digest
from core.catalog.sheets.service import (
    SheetMoved,
    TooLateToUndo,
    Undone,
    apply_sheet,
    keep_sheet,
    plan_of,
    undo_sheet,
)
from core.errors import NotAllowed, NotFound
from core.money import Money
from core.parties.service import Role
from tests.builders import NOON, Shop
from tests.support.restock import a_member

HEAD = "编号,中文名称,英文名称,分类,价格,单笔最多购买,排序,在售\n"


@pytest.fixture
def who(shop: Shop) -> Actor:
    """The merchant's keeper of goods; A1 is shared goods, O1 its own, P1 its own and put away."""
    keeper = Actor(ActorKind.STAFF, a_member(shop, shop.merchant, Role.CATALOG), shop.merchant, frozenset({"catalog"}))
    shop.a_listing("A1", 1000)
    for code in ("O1", "P1"):
        goods = NewGoods({"zh-CN": "旧名", "en": "Old"}, Category.GAMES, code, Money(500, "CNY"))
        made = create_goods(actor=keeper, merchant_id=shop.merchant, goods=goods, now=NOON)
    archive_listing(actor=keeper, listing_id=made.listing_id, archived=True, now=NOON)
    return keeper


def kept(shop: Shop, who: Actor, rows: str) -> UUID:
    content = (HEAD + rows).encode("gb18030")
    return keep_sheet(
        actor=who, merchant_id=shop.merchant, file_name="a.csv", content=content, currency="CNY", now=NOON
    )


def applied(shop: Shop, who: Actor, rows: str) -> UUID:
    sheet = kept(shop, who, rows)
    seen = digest(plan_of(actor=who, merchant_id=shop.merchant, sheet_id=sheet, currency="CNY"))
    apply_sheet(actor=who, merchant_id=shop.merchant, sheet_id=sheet, seen=seen, currency="CNY", now=NOON)
    return sheet


def goods(shop: Shop) -> list[tuple[object, ...]]:
    return shop.sql(
        "SELECT l.code, s.names ->> 'zh-CN', p.names ->> 'zh-CN', l.price_minor, l.maximum_quantity, l.on_sale"
        " FROM listing l JOIN sku s ON s.id = l.sku_id JOIN product p ON p.id = s.product_id"
        " WHERE l.code <> 'P1' ORDER BY l.code"
    )


def test_each_row_of_a_sheet_comes_to_something(shop: Shop, who: Actor) -> None:
    """Bad rows are left out, each with its reason; an empty cell leaves things as they are."""
    wrong = {
        ",x,,,1,,,": Wrong.CODE,
        "O1,,,,2,,,": Wrong.TWICE,
        "P1,,,,2,,,": Wrong.ARCHIVED,
        "A1,别的名字,,,,,,": Wrong.TWICE,
        "N1,新,,游戏点卡,NaN,,,": Wrong.PRICE,
        "N2,新,,游戏点卡,1,0,,": Wrong.MOST,
        "N3,新,,游戏点卡,1,,-1,": Wrong.POSITION,
        "N4,新,,游戏点卡,1,,,也许": Wrong.ON_SALE,
        "N5,新,,没有,1,,,": Wrong.CATEGORY,
        "N6,,,游戏点卡,1,,,": Wrong.NEW_NEEDS,
        f"N7,{'长' * 121},,游戏点卡,1,,,": Wrong.NAME,
    }
    sheet = kept(shop, who, "O1,新名,,,,,,否\nA1,,,,10.00,,,\nN0,新,,游戏点卡,1,,,\n" + "\n".join(wrong))
    plan = plan_of(actor=who, merchant_id=shop.merchant, sheet_id=sheet, currency="CNY")

    assert [one.kind for one in plan[:3]] == [Kind.CHANGED, Kind.SAME, Kind.NEW]
    assert plan[0].changes == {
        "on_sale": (True, False),
        "names": ({"zh-CN": "旧名", "en": "Old"}, {"zh-CN": "新名", "en": "Old"}),
    }
    assert [one.wrong for one in plan[3:]] == list(wrong.values())
    single = {"A1,别的名字,,,,,,": Wrong.SHARED, "O1,,,生活服务,,,,": Wrong.SHELF}
    for row, why in single.items():
        (one,) = plan_of(actor=who, merchant_id=shop.merchant, sheet_id=kept(shop, who, row + "\n"), currency="CNY")
        assert one.wrong is why


def test_cells_come_back_as_they_were_and_none_is_a_formula() -> None:
    """Fault 80, for sheets of goods."""
    cells = ["=1+1", "+1", "-1", "@a", "'=x", "''-", "'plain", 'a"b', "a,b", "腾讯\n视频", "😀"]

    sheet = written([["code"] * len(cells), cells])

    assert not [cell for cell in read_plainly(sheet) if cell[:1] in "=+-@"]
    assert read_cells(sheet)[1] == cells


def read_plainly(sheet: bytes) -> list[str]:
    import csv  # as a spreadsheet reads it
    import io

    return list(csv.reader(io.StringIO(sheet.decode("utf-8-sig"), newline="")))[1]


def test_a_sheet_is_done_as_it_was_seen_and_undone_but_for_what_changed_since(shop: Shop, who: Actor) -> None:
    before = goods(shop)
    sheet = applied(shop, who, "O1,新名,,,6,7,,否\nA1,,,,9,,,\nN1,新,New,游戏点卡,1.50,,,\nN1,,,,2,,,\n")
    assert goods(shop) == [
        ("A1", None, "商品 A1", 900, 100, True),
        ("N1", "新", "新", 150, 100, True),
        ("O1", "新名", "新名", 600, 7, False),
    ]
    ((listing,),) = shop.sql("SELECT id FROM listing WHERE code = 'A1'")
    set_price(actor=who, listing_id=listing, price=Money(950, "CNY"), now=NOON)  # by hand, since then

    undone = undo_sheet(actor=who, merchant_id=shop.merchant, sheet_id=sheet, now=NOON + timedelta(hours=24))

    assert undone == Undone(restored=5, left=1)
    assert goods(shop) == [("A1", None, "商品 A1", 950, 100, True), ("N1", "新", "新", 150, 100, False), before[1]]
    assert shop.sql("SELECT archived_at IS NOT NULL FROM listing WHERE code = 'N1'") == [(True,)]


def test_what_was_not_seen_is_not_done_and_what_is_too_old_is_not_undone(shop: Shop, who: Actor) -> None:
    """INV-T1: another merchant's sheet is as one that is not there."""
    first = applied(shop, who, "O1,,,,6,,,\n")
    last = applied(shop, who, "O1,,,,7,,,\n")
    waiting = kept(shop, who, "O1,,,,8,,,\n")
    other = shop.a_party("other")
    theirs = Actor(ActorKind.STAFF, who.id, other, frozenset({Role.OWNER}))
    helper = Actor(ActorKind.STAFF, who.id, shop.merchant, frozenset({Role.SUPPORT}))
    seen = digest(plan_of(actor=who, merchant_id=shop.merchant, sheet_id=waiting, currency="CNY"))
    before = shop.fingerprint()

    def undo(sheet: UUID, actor: Actor = who, party: int = shop.merchant, after: timedelta = timedelta(0)) -> None:
        undo_sheet(actor=actor, merchant_id=party, sheet_id=sheet, now=NOON + after)

    for kind, act in (
        (TooLateToUndo, lambda: undo(first)),
        (TooLateToUndo, lambda: undo(waiting)),
        (TooLateToUndo, lambda: undo(last, after=timedelta(days=1, seconds=1))),
        (NotFound, lambda: undo(last, actor=theirs, party=other)),
        (NotFound, lambda: undo(last, actor=theirs)),
        (NotAllowed, lambda: undo(last, actor=helper)),
    ):
        with pytest.raises(kind):
            act()
    for sheet, said in ((waiting, "another plan"), (last, seen)):
        with pytest.raises(SheetMoved):
            apply_sheet(actor=who, merchant_id=shop.merchant, sheet_id=sheet, seen=said, currency="CNY", now=NOON)
    assert shop.fingerprint() == before
    undo(last)
    with pytest.raises(TooLateToUndo):
        undo(last)
    with pytest.raises(SheetMoved):  # its price was seen against another one
        apply_sheet(actor=who, merchant_id=shop.merchant, sheet_id=waiting, seen=seen, currency="CNY", now=NOON)
