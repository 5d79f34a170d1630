"""Makes the card files of the demo: invented values, always the same, in the shapes that suppliers really send.

`python -m ops.demo.make_files` writes them again; a test compares them with what the repository carries.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "files"
LETTERS = "ABCDEFGHJKLMNPQRTUVWXY346789"  # without signs that look alike
PUNCTUATION = "!#$%&'*+=?^_`{|}~<>\""
SEED = "keystall demo 2026"


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for name, made in FILES.items():
        (FOLDER / name).write_bytes(made())


def tencent_video() -> bytes:
    """CSV in GB18030 under a title line: 800 cards, 6 rows twice, one without a secret, one long expired."""
    pick = _picker("tencent video")
    rows = [f"TV{pick('0123456789', 14)},{pick(LETTERS, 16)},2029-06-30," for _ in range(800)]
    rows[3] += "内部备注，含逗号"
    rows += rows[100:106]
    rows += [f"TV{pick('0123456789', 14)},,2029-06-30,缺卡密", ",,,"]
    rows += [f"TV{pick('0123456789', 14)},{pick(LETTERS, 16)},2021-01-01,已过期"]
    head = ["腾讯视频 VIP 月卡 提货单,,,", "卡号,卡密,有效期,备注"]
    return "\n".join([*head, *rows, ""]).encode("gb18030")


def iqiyi() -> bytes:
    """TSV in UTF-16 with quotes: 300 cards of code and PIN, full-width dates, a note over two lines."""
    pick = _picker("iqiyi")
    dates = ("2028/12/31", "２０２８／１２／３１")
    rows = [f"{pick('0123456789', 18)}\t{pick(LETTERS, 12)}\t{dates[n % 2]}\t" for n in range(300)]
    rows[7] += '"同批次备注\n第二行，含“引号”"'
    lines = "\r\n".join(["激活码\tPIN\t到期日\t说明", *rows, ""])
    return ("\ufeff" + lines).encode("utf-16-le")


def iqiyi_of_other() -> bytes:
    """Plain TXT in UTF-8, one code a line: the 40 cards of the second merchant."""
    pick = _picker("iqiyi of other")
    return "".join(f"{pick(LETTERS, 16)}\n" for _ in range(40)).encode()


def receipts() -> bytes:
    """Plain TXT, one number a line: so many top-ups by hand the merchant will do; who has one has a proof of it."""
    pick = _picker("top-up receipts")
    return "".join(f"DC-{n:04}-{pick(LETTERS, 8)}\n" for n in range(1, 81)).encode()


def steam() -> bytes:
    """TXT in UTF-8 with a byte order mark and CRLF: 600 codes, some with blanks after them, 4 of them twice."""
    pick = _picker("steam")
    codes = ["-".join(pick(LETTERS, 5) for _ in range(3)) for _ in range(600)]
    lines = [code + ("  " if n % 9 == 0 else "") for n, code in enumerate(codes)]
    lines += [codes[50], codes[51].lower(), f" {codes[52]}", f"{codes[53]}\t"]
    return ("\ufeff" + "\r\n".join([*lines, ""])).encode()


def software_accounts() -> bytes:
    """TXT, the whole line is the secret, byte for byte: 250 accounts with signs of every sort and `%0A` in them."""
    pick = _picker("software accounts")
    lines = [
        f"pro{pick('0123456789abcdef', 8)}@example.com----{pick(LETTERS + PUNCTUATION, 18)}----%0A{n}"
        + (" " if n % 11 == 0 else "")
        for n in range(250)
    ]
    return "\n".join([*lines, ""]).encode()


def jd_ecard() -> bytes:
    """XLSX: 400 rows of number and password, 8 of them numbers or formulas, hidden rows, a second sheet."""
    pick = _picker("jd e-card")
    rows = [_row(1, _text("A", 1, "序号"), _text("B", 1, "卡号"), _text("C", 1, "密码"), _text("D", 1, "面值"))]
    for n in range(2, 402):
        secret = _text("C", n, "-".join(pick(LETTERS, 4) for _ in range(4)))
        if n % 100 == 50:
            secret = f'<c r="C{n}"><v>{pick("123456789", 16)}</v></c>'
        elif n % 100 == 75:
            secret = f'<c r="C{n}"><f>CONCATENATE("K","{n}")</f><v></v></c>'
        number = _text("B", n, pick("0123456789", 16))
        rows.append(_row(n, _number("A", n, n - 1), number, secret, _number("D", n, 100), hidden=n % 90 == 0))
    return _workbook(("卡密", rows), ("说明", [_row(1, _text("A", 1, "第二张表不导入"))]))


def _picker(name: str) -> Callable[[str, int], str]:
    """A repeatable source of invented values: `pick(signs, length)`."""
    source = random.Random(f"{SEED} {name}")  # noqa: S311 - sample values that everybody may read

    def pick(signs: str, length: int) -> str:
        return "".join(source.choices(signs, k=length))

    return pick


def _row(n: int, *cells: str, hidden: bool = False) -> str:
    mark = ' hidden="1"' if hidden else ""
    return f'<row r="{n}"{mark}>{"".join(cells)}</row>'


def _text(column: str, n: int, text: str) -> str:
    return f'<c r="{column}{n}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def _number(column: str, n: int, value: int) -> str:
    return f'<c r="{column}{n}"><v>{value}</v></c>'


def _workbook(*sheets: tuple[str, list[str]]) -> bytes:
    """A minimal workbook (ECMA-376) of sheets given as (name, rows); its bytes depend on nothing else."""
    numbered = list(enumerate((name for name, _ in sheets), 1))
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{SHEET_TYPE}"/>' for n, _ in numbered
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    names = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{BOOK_TYPE}"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
    }
    for n, (_, rows) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'
        )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book:
        for name, xml in parts.items():
            part = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            book.writestr(part, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + xml)
    return made.getvalue()


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"

FILES: dict[str, Callable[[], bytes]] = {
    "tencent_video_month_2029.csv": tencent_video,
    "iqiyi_quarter_2028.tsv": iqiyi,
    "iqiyi_quarter_other.txt": iqiyi_of_other,
    "steam_50_usd.txt": steam,
    "jd_ecard_100.xlsx": jd_ecard,
    "notes_pro_accounts.txt": software_accounts,
    "top_up_receipts.txt": receipts,
}

if __name__ == "__main__":
    main()
