"""How large a request to a page of the panel may be: what its route declared, told to whoever reads it first."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from werkzeug.exceptions import HTTPException

from admin.declared import declared_for


def largest_of(app: Flask, *, mounted_at: str) -> Callable[[str], int]:
    """For a path of the whole site, how many bytes its page of the panel takes; 0 where it is none."""

    def largest(path: str) -> int:
        if not path.startswith(f"{mounted_at}/"):
            return 0
        try:
            endpoint, _ = app.url_map.bind("").match(path.removeprefix(mounted_at), method="POST")
        except HTTPException:
            return 0
        declared = declared_for(app, str(endpoint))
        return declared.largest if declared is not None else 0

    return largest
