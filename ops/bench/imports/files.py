"""Large supplier files, written row by row so that making one costs no memory either."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_NAMES = (f'xmlns="{MAIN}"', f'xmlns:r="{RELATIONS}"')


def rows(count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """(number, secret, end date); every secret is another one, and another seed gives none of them again."""
    rnd = random.Random(seed)  # noqa: S311 - goods of a bench, not secrets
    for number in range(count):
        yield f"TX{seed:03}{number:09}", "".join(rnd.choices(LETTERS, k=16)), "2031-12-31"


def text_file(path: Path, count: int, seed: int) -> None:
    """A CSV as suppliers send it: GB18030, a title above the header, remarks: about 45 bytes a row."""
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write("腾讯视频VIP月卡 供货单,,,\r\n卡号,卡密,有效期,备注\r\n")
        for number, secret, end in rows(count, seed):
            file.write(f"{number},{secret},{end},渠道一\r\n")


def workbook_file(path: Path, count: int, seed: int) -> None:
    """An XLSX as Excel saves it: every text in the table of shared strings."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        sheets = '<sheets><sheet name="S1" sheetId="1" r:id="rId1"/></sheets>'
        archive.writestr("xl/workbook.xml", f"<workbook {' '.join(_NAMES)}>{sheets}</workbook>")
        target = f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{target}</Relationships>')
        with archive.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(f"<sst {_NAMES[0]}><si><t>卡号</t></si><si><t>卡密</t></si>".encode())
            strings.write("<si><t>有效期</t></si><si><t>2031-12-31</t></si>".encode())
            for number, secret, _ in rows(count, seed):
                strings.write(f"<si><t>{number}</t></si><si><t>{secret}</t></si>".encode())
            strings.write(b"</sst>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f"<worksheet {_NAMES[0]}><sheetData>".encode() + _row(1, 0, 1, 2))
            for at in range(count):
                sheet.write(_row(at + 2, 4 + 2 * at, 5 + 2 * at, 3))
            sheet.write(b"</sheetData></worksheet>")


def _row(number: int, *strings: int) -> bytes:
    cells = "".join(f'<c r="{"ABC"[at]}{number}" t="s"><v>{s}</v></c>' for at, s in enumerate(strings))
    return f'<row r="{number}" spans="1:3">{cells}</row>'.encode()
