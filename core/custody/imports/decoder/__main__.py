"""The decoder's process: asks for pieces of one file, gives back its rows; keys, names and values nowhere else.

Output: frames of a 4-byte big-endian length and JSON. `{"want": [offset, length]}` is answered on standard input with
those bytes. The first other one is `{"table": …}` with the names of its `fields`, then `{"rows": […]}` of at most 500:
a good row is `[number, value, …]` in the order of the fields, a bad one `{"number", "where", "problem", "secret"}`;
at the end `{"end": rows}`; or one `{"refused": problem, "params": …}` at any point.
"""

from __future__ import annotations

import codecs
import json
import sys
from itertools import islice
from typing import Any

from core.custody.imports.decoder.confine import confine
from core.custody.imports.decoder.source import CustodianGone, from_custodian, opened
from core.custody.imports.decoder.tables import Row, Table, decode
from core.workbooks.problems import FileProblem, FileRefused

ROWS_A_FRAME = 500
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "gb2312", "cp437")  # loaded before no file can be opened
_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def main(size: int, extension: str, column: str | None) -> int:
    """Decode the custodian's file of `size` bytes; 0 when it was read or refused in good order."""
    for codec in CODECS:
        codecs.lookup(codec)
    confine()
    try:
        table = decode(opened(size, from_custodian(_send)), extension=extension, column=column)
        _send({"table": _description(table)})
        count = 0
        while rows := [_written(row) for row in islice(table.rows, ROWS_A_FRAME)]:
            count += len(rows)
            _send({"rows": rows})
        _send({"end": count})
    except FileRefused as refused:
        _send({"refused": refused.problem, "params": refused.params})
    except MemoryError:
        _send({"refused": FileProblem.TOO_LARGE, "params": {}})
    except CustodianGone:
        return 1
    return 0


def _description(table: Table) -> dict[str, Any]:
    names = {field: table.columns.names[at] for field, at in table.columns.places.items()}
    described = {"format": table.format, "encoding": table.encoding, "columns": names, "about": table.about}
    return described | {"fields": table.fields, "separator": table.separator}


def _written(row: Row) -> list[str | int] | dict[str, Any]:
    if row.problem is None:
        return [row.number, *row.fields.values()]
    secret = row.fields.get("secret", "")
    return {"number": row.number, "where": row.where, "problem": row.problem, "secret": secret}


def _send(frame: dict[str, Any]) -> None:
    raw = _WRITTEN(frame).encode("utf-8", "surrogatepass")
    sys.stdout.buffer.write(len(raw).to_bytes(4, "big") + raw)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
