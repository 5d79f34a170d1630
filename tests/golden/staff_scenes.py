"""Screens for staff and suppliers who bring stock by the chat."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from bot import restock, restock_reasons
from bot.screens import Screen
from bot.texts import Texts
from core.conversations.restocking import Goods
from core.parties.rules import PartyKind
from tests.golden.goods import TENCENT

BRAND = {"zh-CN": "星海直供", "en": "Sea of Stars"}
SHOP = {"zh-CN": "演示商店", "en": "Demo shop"}
RESTOCKED: dict[str, Any] = {
    "sku": "A1", "added": 60, "duplicates": 7, "refused": 8, "consigned": True, "unread": False,
    "rows": [["row 70", "no_secret", ""], ["row 72", "expired", "AAAA************"], ["C7", "numeric_cell", ""]],
}  # fmt: skip
REFUSED = {"sku": "A1", "problem": "encoding"}


def restocking() -> Iterator[tuple[str, Callable[[Texts], Screen]]]:
    """Bound, told how, received, the result."""
    yield "restock_bound", lambda texts: restock.draw_bound(texts, PartyKind.SUPPLIER, BRAND)
    yield "restock_how", lambda texts: restock.draw_how(texts, PartyKind.MERCHANT, SHOP)
    yield "restock_help", lambda texts: restock.draw_help_for_staff(texts, PartyKind.SUPPLIER, BRAND)
    yield "restock_left", restock.draw_left
    yield "restock_received", lambda texts: restock.draw_received(texts, Goods("A1", TENCENT))
    yield "restock_not_deleted", not_deleted
    for problem in restock_reasons.FILE_REASONS:
        body = {"sku": "A1", "problem": problem}
        yield f"told_restock_refused_{problem}", lambda texts, b=body: restock.draw_restock_refused(texts, b)
    rows = [[f"row {n}", reason, ""] for n, reason in enumerate(restock_reasons.ROW_REASONS, 2)]
    all_refused = RESTOCKED | {"added": 0, "refused": len(rows), "rows": rows, "unread": True}
    yield "told_restock_all_refused", lambda texts: restock.draw_restocked(texts, all_refused)
    yield "told_restocked_own", lambda texts: restock.draw_restocked(texts, RESTOCKED | {"consigned": False})


def not_deleted(texts: Texts) -> Screen:
    """Received, where the message that brought it stays."""
    screen = restock.draw_received(texts, Goods("A1", TENCENT))
    return replace(screen, text=screen.uncleared or "")
