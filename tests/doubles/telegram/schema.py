"""Checks a request against the Bot API schema: unknown and missing fields, types at every depth, limits of length."""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doubles.telegram.errors import Breach

INTEGER = re.compile(r"-?\d{1,20}")
TRUTHS = {"true": True, "false": False}
ARRAY = "Array of "
EMPTY = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
}
"""What the real server says when one of these is missing."""
TOO_LONG = {
    "callback_data": "BUTTON_DATA_INVALID",
    "copy_text.text": "BUTTON_COPY_TEXT_INVALID",
    "command": "BOT_COMMAND_INVALID",
    "payload": "INVOICE_PAYLOAD_INVALID",
    "secret_token": "secret token must be at most 256 characters long",
}
"""What the real server says when a limit of length is passed; for others the limit itself is said."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in a multipart body."""

    name: str
    content: bytes
    content_type: str


@functools.cache
def schema() -> dict[str, Any]:
    """The vendored schema; VENDORED.md says whence."""
    read: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text("utf-8"))
    return read


def utf16(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def decoded(method: str, given: dict[str, Any], files: dict[str, Upload]) -> dict[str, Any]:
    """The parameters as Python values, checked. Raises Breach for the first thing that is wrong.

    `given` holds text (a form), or JSON values (a JSON body); a file stands under its own name or is named by `attach://`.
    """
    fields = schema()["methods"][method]
    attached = {f"attach://{name}": upload for name, upload in files.items()}
    used = {value.removeprefix("attach://") for value in given.values() if isinstance(value, str) and value in attached}
    given = given | {name: upload for name, upload in files.items() if name not in used}
    for name in given:
        if name not in fields:
            raise Breach(f"{method} has no parameter {name}")
    values = {}
    for name, (types, required, *limits) in fields.items():
        raw = given.get(name)
        if raw is None or (raw == "" and required and "String" not in types):
            if required:
                raise Breach(EMPTY.get(name, f"parameter {name} is required"))
            continue
        value = attached.get(raw, raw) if isinstance(raw, str) and "InputFile" in types else raw
        value = _from_text(name, types, value) if isinstance(value, str) else value
        _check(name, types, value, limits[0] if limits else {})
        values[name] = value
    return values


def _from_text(name: str, types: list[str], raw: str) -> Any:
    if "Integer" in types and INTEGER.fullmatch(raw):
        return int(raw)
    if "String" in types:
        return raw
    if types[0] in {"Boolean", "True"} and raw in TRUTHS:
        return TRUTHS[raw]
    try:
        return json.loads(raw)
    except ValueError:
        raise Breach(f"can't parse {name.replace('_', ' ')} JSON object") from None


def _check(path: str, types: list[str], value: Any, limits: dict[str, Any]) -> None:
    """Raises Breach unless the value is of one of these types and within its limits."""
    problems = []
    for kind in types:
        try:
            _fits(path, kind, value)
            break
        except Breach as breach:
            problems.append(breach)
    else:
        # The deepest complaint is about the type that was meant.
        raise max(problems, key=lambda breach: breach.depth)
    _within(path, value, limits)


def _fits(path: str, kind: str, value: Any) -> None:
    match kind:
        case "String":
            right = isinstance(value, str)
        case "Integer":
            right = isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            right = isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean":
            right = isinstance(value, bool)
        case "True":
            right = value is True
        case "InputFile":
            right = isinstance(value, Upload)
        case _ if kind.startswith(ARRAY):
            right = isinstance(value, list)
            for place, each in enumerate(value if right else []):
                _fits(f"{path}[{place}]", kind.removeprefix(ARRAY), each)
        case _:
            right = isinstance(value, dict)
            if right:
                _object(path, kind, value)
    if not right:
        raise Breach(f"{path} must be of type {kind}", depth=_depth(path))


def _object(path: str, kind: str, value: dict[str, Any]) -> None:
    """One object of the schema; a union is decided by its `type`."""
    known = schema()
    if members := known["unions"].get(kind):
        kinds = {known["types"][member]["type"][2]["is"]: member for member in members}
        if value.get("type") not in kinds:
            raise Breach(f"{path}.type must be one of {', '.join(kinds)}", depth=_depth(path) + 1)
        kind = kinds[value["type"]]
    fields = known["types"][kind]
    for name in value:
        if name not in fields:
            raise Breach(f"{path}: {kind} has no field {name}", depth=_depth(path) + 1)
    for name, (types, required, *limits) in fields.items():
        if name in value:
            _check(f"{path}.{name}", types, value[name], limits[0] if limits else {})
        elif required:
            raise Breach(f"can't parse {path}: Can't find field \"{name}\"", depth=_depth(path) + 1)


def _within(path: str, value: Any, limits: dict[str, Any]) -> None:
    for name, bounds in limits.items():
        if name == "parsed":
            continue  # counted by rules.py, which knows the markup
        if name == "is":
            if value != bounds:
                raise Breach(f"{path} must be {bounds}", depth=_depth(path))
            continue
        size = _size(name, value)
        if not bounds[0] <= size <= bounds[1]:
            said = next((said for end, said in TOO_LONG.items() if path.endswith(end)), None)
            raise Breach(said or f"{path} must have {bounds[0]}-{bounds[1]} {name}, not {size}", depth=_depth(path))


def _size(name: str, value: Any) -> int:
    match name:
        case "characters":
            return utf16(value)
        case "bytes":
            return len(value.encode("utf-8"))
        case "items":
            return len(value)
    return int(value)


def _depth(path: str) -> int:
    return path.count(".") + path.count("[")
