"""Finds the header and which column is what: by the names people use, or by the one name that was asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.workbooks.problems import FileProblem, FileRefused

FIELDS = ("secret", "number", "pin", "expires")
HEADER_WITHIN = 10  # the first rows that are not blank; above the header may stand a title

_NAMES = {
    "secret": "卡密 激活码 兑换码 充值码 券码 提货码 密钥 卡密码 secret cardsecret activationcode redeemcode"
    " redemptioncode vouchercode giftcode cdkey cdk licensekey productkey",
    "weak_secret": "密码 code password key cardpassword",
    "number": "卡号 卡片号码 账号 帐号 账户 用户名 序列号 number cardnumber cardno serial serialnumber account"
    " username",
    "pin": "pin pin码 pincode 校验码 安全码 securitycode",
    "expires": "有效期 有效期至 有效日期 有效期限 到期日 到期日期 到期时间 截止日期 截止时间 失效日期 过期时间"
    " expires expiry expireson expiresat expiredate expirydate expirationdate validuntil validto enddate",
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()}
_REMARK = re.compile(r"[(\[【].*?[)\]】]")
_DECORATION = re.compile(r"[\s_\-*:#.'\"\ufeff\u200b]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which cell is which field (zero-based), the header's names ('' where there is none), and its width."""

    places: dict[str, int]
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns a row may have."""
        return len(self.names)


def plain_name(cell: str) -> str:
    """A column's name as it is compared: no case, blanks, marks, or remark in brackets; full-width folded."""
    folded = unicodedata.normalize("NFKC", cell).lower()
    return _DECORATION.sub("", _REMARK.sub("", folded)) or _DECORATION.sub("", folded)


def known_columns(cells: Sequence[str]) -> int:
    """How many cells are names that we know: what tells a header from a title or from rows."""
    return sum(plain_name(cell) in _FIELD_OF for cell in cells)


def find_header(head: Sequence[Sequence[str]], asked: str | None, *, lone_lines: bool) -> int | None:
    """Which of the first records is the header: the one that names the column asked for, or known columns.

    One known name among several cells counts only where no earlier record has several cells (those were rows, not a
    title). In a file that may hold one secret a line (`lone_lines`), `account----password` on such a line is a card.
    """
    rows_began = False
    is_name = asked is not None and not (asked.isascii() and asked.isdigit())  # "2" stands in rows as well
    for place, cells in enumerate(head):
        if is_name and plain_name(str(asked)) in {plain_name(cell) for cell in cells}:
            return place
        known, filled = known_columns(cells), sum(bool(cell.strip()) for cell in cells)
        alone = known == 1 and not rows_began and (filled == 1 or not lone_lines or _names_in_chinese(cells))
        if known > 1 or (alone and (filled > 1 or place == 0 or not lone_lines)):
            return place
        rows_began = rows_began or filled > 1
    return None


def _names_in_chinese(cells: Sequence[str]) -> bool:
    return any(plain_name(cell) in _FIELD_OF and not cell.isascii() for cell in cells)


def map_columns(cells: Sequence[str], asked: str | None) -> Columns:
    """Read a header. Raises `FileRefused` naming the columns when the secret's is missing or could be two."""
    names = tuple(cell.strip() for cell in cells)
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        field = _FIELD_OF.get(plain_name(name))
        if field:
            found.setdefault(field, []).append(place)
    secret = _asked_column(names, asked) if asked is not None else _secret_column(names, found)
    places = {"secret": secret}
    rest = {field: [p for p in at if p != secret] for field, at in found.items()}
    if asked is None and rest.get("weak_secret"):
        rest.setdefault("number", []).extend(rest["weak_secret"])
    elif rest.get("weak_secret") or rest.get("secret"):
        rest.setdefault("pin", []).extend(rest.get("secret", []) + rest.get("weak_secret", []))
    for field in FIELDS[1:]:
        at = rest.get(field, [])
        if len(at) > 1:
            raise FileRefused(FileProblem.COLUMN_TWICE, columns=", ".join(names[p] for p in at))
        if at:
            places[field] = at[0]
    return Columns(places, names)


def column_by_position(asked: str | None, width: int) -> Columns | None:
    """`--column 2` in a file without a header: the second column is the secret, the others are left out."""
    if asked is None or not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= width:
        return None
    return Columns({"secret": int(asked) - 1}, ("",) * width)


def _asked_column(names: tuple[str, ...], asked: str) -> int:
    at = [place for place, name in enumerate(names) if plain_name(name) == plain_name(asked)]
    if not at and asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(names):
        at = [int(asked) - 1]
    if not at:
        raise FileRefused(FileProblem.NO_SUCH_COLUMN, column=asked, columns=_listed(names))
    if len(at) > 1:
        raise FileRefused(FileProblem.COLUMN_TWICE, columns=", ".join(names[place] for place in at))
    return at[0]


def _secret_column(names: tuple[str, ...], found: dict[str, list[int]]) -> int:
    strong, weak, pin = found.get("secret", []), found.get("weak_secret", []), found.get("pin", [])
    codes = [place for place in weak if plain_name(names[place]) == "code"]
    beside = [place for place in weak if place not in codes]  # beside 激活码 a column "code" is its number
    candidates = (strong + beside if strong else weak) or pin
    if not candidates:
        raise FileRefused(FileProblem.SECRET_COLUMN_MISSING, columns=_listed(names))
    if len(candidates) > 1:
        raise FileRefused(FileProblem.COLUMN_TWICE, columns=", ".join(names[place] for place in candidates))
    return candidates[0]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if name)
