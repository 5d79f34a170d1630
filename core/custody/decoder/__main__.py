"""The decoder's process: a file on standard input, its rows on standard output; keys, names and values nowhere else.

Output: frames of a 4-byte big-endian length and JSON. The first is `{"table": …}`, then `{"rows": [[place, fields,
problem], …]}` of at most 500 rows, at the end `{"end": rows}`; or one `{"refused": problem, "params": …}` at any point.
"""

from __future__ import annotations

import codecs
import json
import sys
from itertools import islice
from typing import Any

from core.custody.decoder.confine import confine
from core.custody.decoder.problems import FileProblem, FileRefused
from core.custody.decoder.tables import Table, decode

ROWS_A_FRAME = 500
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "gb2312", "cp437")  # loaded before no file can be opened


def main(extension: str, column: str | None) -> int:
    """Decode standard input; 0 when the file was read or refused in good order."""
    for codec in CODECS:
        codecs.lookup(codec)
    confine()
    try:
        table = decode(sys.stdin.buffer.read(), extension=extension, column=column)
        _send({"table": _description(table)})
        count = 0
        while rows := [[row.place, row.fields, row.problem] for row in islice(table.rows, ROWS_A_FRAME)]:
            count += len(rows)
            _send({"rows": rows})
        _send({"end": count})
    except FileRefused as refused:
        _send({"refused": refused.problem, "params": refused.params})
    except MemoryError:
        _send({"refused": FileProblem.TOO_LARGE, "params": {}})
    return 0


def _description(table: Table) -> dict[str, Any]:
    names = {field: table.columns.names[at] for field, at in table.columns.places.items()}
    return {"format": table.format, "encoding": table.encoding, "columns": names, "about": table.about}


def _send(frame: dict[str, Any]) -> None:
    raw = json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    sys.stdout.buffer.write(len(raw).to_bytes(4, "big") + raw)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
