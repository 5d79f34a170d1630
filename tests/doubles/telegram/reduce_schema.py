"""Makes `schema.json` out of the Bot API schema of aiogram's source archive: compact, and only what a shop's bot uses.

    pip download --no-deps --no-binary :all: aiogram==3.31.0
    tar xzf aiogram-3.31.0.tar.gz aiogram-3.31.0/.butcher/schema/schema.json
    python -m tests.doubles.telegram.reduce_schema aiogram-3.31.0/.butcher/schema/schema.json

A field becomes `[types, required, limits]`: `types` are names of which one must fit, `Array of X` kept as it is;
`limits` are read out of the English descriptions: `characters`, `bytes`, `items`, `value` as [least, most], `parsed`
for characters that are counted after the markup is gone, `is` for the one value that a field may have.
A type without fields becomes a union: the list of its members.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

METHODS = (
    "getMe", "getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo", "sendMessage", "editMessageText",
    "editMessageCaption", "editMessageReplyMarkup", "deleteMessage", "deleteMessages", "sendDocument",
    "sendPhoto", "sendChatAction", "answerCallbackQuery", "getFile", "getChat", "leaveChat", "setMyCommands",
    "getMyCommands", "deleteMyCommands", "setMyName", "getMyName", "setMyDescription", "getMyDescription",
    "setMyShortDescription", "getMyShortDescription", "setChatMenuButton", "getChatMenuButton", "sendInvoice",
    "createInvoiceLink", "answerPreCheckoutQuery", "refundStarPayment", "editUserStarSubscription",
    "getStarTransactions", "getMyStarBalance",
)  # fmt: skip
LEFT_OUT = {"InputRichMessage", "SuggestedPostParameters", "EphemeralMessageParameters", "InputMedia", "User"}
"""Types that no shop sends; a field that takes them is unknown to the double."""
PLAIN = {"String", "Integer", "Float", "Boolean", "True", "InputFile"}

PARSED = re.compile(r"\b(\d+)-(\d+) characters after entit(?:ies|y) parsing")
CHARACTERS = re.compile(r"\b(\d+)-(\d+) characters(?! after entit)")
BYTES = re.compile(r"\b(\d+)-(\d+) bytes")
VALUE = re.compile(r"(?:Values between |connections to the webhook for update delivery, )(\d+)-(\d+)")
ITEMS = re.compile(r"At most (\d+) commands|list of (\d+)-(\d+) identifiers")
CONSTANT = re.compile(r"(?:, must be |, always [“\"'])([a-z_]+)")


def limits(described: str) -> dict[str, Any]:
    """What a description says beyond the type."""
    found: dict[str, Any] = {}
    for name, shape in (("parsed", PARSED), ("characters", CHARACTERS), ("bytes", BYTES), ("value", VALUE)):
        if match := shape.search(described):
            found[name] = [int(match[1]), int(match[2])]
    if match := ITEMS.search(described):
        found["items"] = [0, int(match[1])] if match[1] else [int(match[2]), int(match[3])]
    if "exactly one item for payments in Telegram Stars" in described:
        found["items"] = [1, 1]
    if match := CONSTANT.search(described):
        found["is"] = match[1]
    return found


def field(entry: dict[str, Any]) -> list[Any]:
    """One parameter of a method or one field of a type."""
    kinds = [part.strip() for part in entry["type"].split(" or ")]
    made = [kinds, entry["required"]]
    said = limits(entry["description"])
    return [*made, said] if said else made


def reduced(schema: dict[str, Any]) -> dict[str, Any]:
    """The methods, and the types that they reach."""
    known = {child["name"]: child for item in schema["items"] for child in item["children"]}
    methods: dict[str, Any] = {}
    types: dict[str, Any] = {}
    unions: dict[str, list[str]] = {}
    wanted: list[str] = []

    def fields(name: str) -> dict[str, Any]:
        kept = {}
        for entry in known[name]["annotations"]:
            made = field(entry)
            bare = {kind.replace("Array of ", "") for kind in made[0]}
            if not bare & LEFT_OUT:
                kept[entry["name"]] = made
                wanted.extend(sorted(bare - PLAIN))
        return kept

    for name in METHODS:
        methods[name] = fields(name)
    while wanted:
        name = wanted.pop()
        if name in types or name in unions:
            continue
        members = re.findall(r"^ - (\w+)$", known[name]["description"], re.MULTILINE)
        if not known[name]["annotations"] and members:
            unions[name] = members
            wanted += members
        else:
            types[name] = fields(name)
    updates = [entry["name"] for entry in known["Update"]["annotations"] if entry["name"] != "update_id"]
    return {
        "version": schema["api"]["version"], "updates": updates, "methods": methods, "types": types, "unions": unions
    }  # fmt: skip


def main() -> None:
    """Write the reduced schema beside this script."""
    schema = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    made = reduced(schema)
    parts = [f'"{part}":{json.dumps(made[part])}' for part in ("version", "updates")]
    for part in ("methods", "types", "unions"):
        lines = [f"{json.dumps(name)}:{json.dumps(each, separators=(',', ':'))}" for name, each in made[part].items()]
        parts.append(f'"{part}":{{\n' + ",\n".join(lines) + "\n}")
    Path(__file__).with_name("schema.json").write_text("{" + ",\n".join(parts) + "}\n", "utf-8")
    print(f"{len(made['methods'])} methods, {len(made['types'])} types, {len(made['unions'])} unions")


if __name__ == "__main__":
    main()
