"""Reads the body of a request in each of the shapes that the Bot API takes."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from tests.doubles.telegram.errors import Breach
from tests.doubles.telegram.schema import Upload


async def read(request: Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """`(fields, files)`; fields of a form are text, those of JSON are values. Raises Breach for what cannot be read."""
    fields: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    try:
        match kind.strip().lower():
            case "application/x-www-form-urlencoded":
                fields |= dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
            case "application/json":
                fields |= json.loads(body or b"{}")
            case "multipart/form-data":
                more, files = multipart(body, rest.partition("boundary=")[2].strip().strip('"').encode())
                return fields | more, files
            case _ if body:
                raise Breach("unsupported content type of the request")
    except ValueError:
        raise Breach("can't parse the request body, which must be encoded in UTF-8") from None
    return fields, {}


def multipart(body: bytes, boundary: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """The parts of a multipart body."""
    decoder = MultipartDecoder(boundary)
    decoder.receive_data(body)
    decoder.receive_data(None)
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    head: Field | File | None = None
    content = b""
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        if isinstance(event, Field | File):
            head, content = event, b""
        elif isinstance(event, Data):
            content += event.data
            if not event.more_data and isinstance(head, File):
                kind = head.headers.get("content-type", "application/octet-stream")
                files[head.name] = Upload(head.filename or head.name, content, kind)
            elif not event.more_data and head is not None:
                fields[head.name] = content.decode("utf-8")
    return fields, files
