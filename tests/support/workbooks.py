"""Workbooks written cell by cell, so that a test decides of what type each cell is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"

Cell = str | tuple[str, str]  # text, or (kind, value) with kind number, date, boolean, error, formula, shared, rich


def workbook(
    *sheets: Sequence[Sequence[Cell]],
    hidden_rows: Sequence[int] = (),
    strings: Sequence[str] = (),
    from_1904: bool = False,
    extra: Mapping[str, bytes] | None = None,
    level: int = 6,
) -> bytes:
    """An .xlsx of these sheets; `strings` are the shared ones, `extra` further entries of the zip."""
    raw = io.BytesIO()
    names = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, len(sheets) + 1))
    epoch = ' date1904="1"' if from_1904 else ""
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr{epoch}/><sheets>{names}</sheets></workbook>',
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{targets}</Relationships>')
        for number, rows in enumerate(sheets, start=1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet(rows, hidden_rows if number == 1 else ()))
        if strings:
            items = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
            archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{items}</sst>')
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return raw.getvalue()


def sheet(rows: Sequence[Sequence[Cell]], hidden_rows: Sequence[int]) -> str:
    """The XML of one sheet; None of its cells carries a style."""
    lines = []
    for number, cells in enumerate(rows, start=1):
        hidden = ' hidden="1"' if number in hidden_rows else ""
        drawn = "".join(_cell(f"{chr(65 + place)}{number}", cell) for place, cell in enumerate(cells) if cell != "")
        lines.append(f'<row r="{number}"{hidden}>{drawn}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(address: str, cell: Cell) -> str:
    kind, value = ("text", cell) if isinstance(cell, str) else cell
    value = escape(value)
    match kind:
        case "text":
            return f'<c r="{address}" t="inlineStr"><is><t>{value}</t></is></c>'
        case "rich":
            half = len(value) // 2
            runs = f"<r><t>{value[:half]}</t></r><r><t>{value[half:]}</t></r><rPh sb='0' eb='1'><t>kana</t></rPh>"
            return f'<c r="{address}" t="inlineStr"><is>{runs}</is></c>'
        case "formula":
            return f'<c r="{address}"><f>CONCAT("A","B")</f><v>{value}</v></c>'
        case "text formula":
            return f'<c r="{address}" t="str"><f>A1</f><v>{value}</v></c>'
        case _:
            types = {"number": "n", "date": "d", "boolean": "b", "error": "e", "shared": "s"}
            return f'<c r="{address}" t="{types[kind]}"><v>{value}</v></c>'
