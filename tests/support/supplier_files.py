"""Supplier files with the peculiarities of real ones, small enough to count: name, SKU, bytes, what must come out."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.support.workbooks import Cell, workbook

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class SupplierFile:
    """One file; `secrets` are the secrets of the rows that must be added, as they must be delivered."""

    name: str
    sku: str
    raw: bytes
    secrets: tuple[str, ...]
    duplicates: int
    refused: int


def code(rnd: random.Random, *groups: int) -> str:
    """A random code of groups, `AB3D-…`."""
    return "-".join("".join(rnd.choice(LETTERS) for _ in range(size)) for size in groups)


def month_cards(seed: int = 1) -> SupplierFile:
    """GB18030, a title above the header, copies at the end, one row without a secret, one empty, one expired."""
    rnd = random.Random(seed)
    secrets = [code(rnd, 16) for _ in range(60)]
    lines = [f"TX{number:09},{secret},2027-12-31," for number, secret in enumerate(secrets)]
    lines[3] += "渠道备注，含逗号"
    text = ["腾讯视频VIP月卡 供货单（示例）,,,", "卡号,卡密,有效期,备注", *lines, *lines[:7]]
    text += ["TX000,,2027-12-31,", ",,,", "TX1,EXPIRED000000001,2020-01-01,已过期"]
    raw = ("\r\n".join(text) + "\r\n").encode("gb18030")
    return SupplierFile("month_cards.csv", "A1", raw, tuple(secrets), duplicates=7, refused=2)


def quarter_cards(seed: int = 2) -> SupplierFile:
    """UTF-16 with a mark, tabs, full-width digits in dates, the secret's second part in its own column."""
    rnd = random.Random(seed)
    secrets = [str(rnd.randrange(10**17, 10**18)) for _ in range(40)]
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    dates = ["2027/6/30", "2027/06/30".translate(wide)]
    lines = [f"{secret}\t{code(rnd, 12)}\t{dates[n % 2]}\t" for n, secret in enumerate(secrets)]
    raw = "\n".join(["激活码\tPIN\t到期日\t说明", *lines]).encode("utf-16")
    return SupplierFile("quarter_cards.tsv", "A2", raw, tuple(secrets), duplicates=0, refused=0)


def game_codes(seed: int = 3) -> SupplierFile:
    """UTF-8 with a mark, blanks around codes, blank lines, copies in lower case."""
    rnd = random.Random(seed)
    secrets = [code(rnd, 5, 5, 5) for _ in range(50)]
    lines = [secret + ("  " if n % 9 == 0 else "") for n, secret in enumerate(secrets)]
    lines += ["", secrets[3], " " + secrets[4], "", secrets[5].lower()]
    raw = "\r\n".join(lines).encode("utf-8-sig")
    return SupplierFile("game_codes.txt", "B1", raw, tuple(secrets), duplicates=3, refused=0)


def gift_cards(seed: int = 4) -> SupplierFile:
    """A workbook with hidden rows, a second sheet, and number and formula cells among the secrets."""
    rnd = random.Random(seed)
    secrets = [code(rnd, 4, 4, 4, 4) for _ in range(50)]
    rows: list[list[Cell]] = [["序号", "卡号", "密码", "面值"]]
    for number, secret in enumerate(secrets):
        odd: Cell = ("number", "123456789") if number % 20 == 5 else ("formula", "")
        cell: Cell = odd if number % 20 in (5, 15) else secret
        rows.append([("number", str(number)), f"{number:016}", cell, ("number", "100")])
    good = tuple(secret for number, secret in enumerate(secrets) if number % 20 not in (5, 15))
    raw = workbook(rows, [["请勿外传"]], hidden_rows=[10, 11])
    return SupplierFile("gift_cards.xlsx", "C1", raw, good, duplicates=0, refused=5)


def accounts(seed: int = 5) -> SupplierFile:
    """One account a line, signs of every kind, byte for byte; no line ending after the last."""
    rnd = random.Random(seed)
    signs = "".join(chr(number) for number in range(33, 127))
    secrets = [f"user{n}@example.com----{''.join(rnd.choice(signs) for _ in range(14))}----%0A{n} " for n in range(30)]
    return SupplierFile("accounts.txt", "D1", "\n".join(secrets).encode(), tuple(secrets), duplicates=0, refused=0)


def all_files() -> list[SupplierFile]:
    """The five shapes."""
    return [month_cards(), quarter_cards(), game_codes(), gift_cards(), accounts()]
