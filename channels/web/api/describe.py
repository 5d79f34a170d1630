"""The API describes itself: an OpenAPI 3.1 document for programs, a page for people."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.web.door import Door
from channels.web.render import HERE, SAFE_HEADERS


def described(public_url: str) -> dict[str, Any]:
    """The document, with this shop's address in it."""
    document: dict[str, Any] = json.loads((HERE / "api" / "openapi.json").read_text("utf-8"))
    document["servers"] = [{"url": public_url}]
    return document


def document(request: Request) -> Response:
    """`GET /api/v1/openapi.json`."""
    door: Door = request.app.state.door
    return JSONResponse(described(door.public_url), headers={**SAFE_HEADERS, "Access-Control-Allow-Origin": "*"})


def page(request: Request) -> Response:
    """`GET /api/docs`: the same document, readable."""
    door: Door = request.app.state.door
    values = described(door.public_url)
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in values["paths"].items()
        for method, operation in methods.items()
    ]
    return door.pages.draw(
        request, "docs.html.jinja", info=values["info"], operations=operations, server=door.public_url
    )
