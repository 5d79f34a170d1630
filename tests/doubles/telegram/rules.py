"""Telegram's rules that the schema does not know, some by teremok: markup, keyboards, commands, invoices, webhooks."""

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiogram.methods
from aiogram.types import BufferedInputFile
from pydantic import ValidationError
from teremok.validation import ApiRuleViolation, validate_html, validate_method

from tests.doubles.telegram import markup
from tests.doubles.telegram.errors import Breach
from tests.doubles.telegram.schema import Upload, schema, utf16

NO_DEFAULTS: Any = SimpleNamespace(default=SimpleNamespace())
"""Stands where teremok asks the bot for its defaults: what comes over the wire has none left."""
LONGEST_CHARACTERS = {"text": "message is too long", "caption": "message caption is too long"}
MOST_BUTTONS = 100
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
START = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
UPLOADABLE = 50 * 1024 * 1024
MONTH = 2592000
DEAREST_SUBSCRIPTION = 10000


def check(method: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values with every text as the other side gets it: `entities` instead of `parse_mode`. Raises Breach."""
    if values.get("parse_mode") not in {None, "HTML", "html"}:
        raise Breach(f"this double reads HTML only, not {values['parse_mode']}")
    made = dict(values)
    for name, entities in (("text", "entities"), ("caption", "caption_entities")):
        limits = schema()["methods"][method].get(name, [[], False, {}])[2:]
        if limits and "parsed" in limits[0] and name in values:
            made[name], made[entities] = _read(values, name, entities, limits[0]["parsed"])
    made.pop("parse_mode", None)
    _as_teremok_says(method, made)
    _keyboard(values.get("reply_markup") or {})
    if made.get("reply_markup") and "inline_keyboard" in made["reply_markup"]:
        made["reply_markup"] = {"inline_keyboard": _shown(made["reply_markup"]["inline_keyboard"])}
    for upload in values.values():
        if isinstance(upload, Upload):
            _upload(upload)
    if own := OWN.get(method):
        own(values)
    return made


def _read(values: dict[str, Any], name: str, entities: str, bounds: list[int]) -> tuple[str, list[dict[str, Any]]]:
    given = values.get(entities)
    if values.get("parse_mode") and not given:
        try:
            validate_html(values[name])
        except ApiRuleViolation as rule:
            raise Breach(rule.description.removeprefix("Bad Request: ")) from None
    for entity in given or ():
        if entity["offset"] < 0 or entity["length"] < 0 or entity["offset"] + entity["length"] > utf16(values[name]):
            raise Breach("can't parse entities: entity out of text bounds")
    plain, found = markup.read(values[name], values.get("parse_mode"), given)
    if utf16(plain) < bounds[0]:
        raise Breach("message text is empty")
    if utf16(plain) > bounds[1]:
        raise Breach(LONGEST_CHARACTERS[name])
    return plain, found


def _as_teremok_says(method: str, values: dict[str, Any]) -> None:
    """The request as aiogram's own object of the method: pydantic's types, then teremok's rules."""
    kind = getattr(aiogram.methods, method[0].upper() + method[1:])
    told = {
        name: BufferedInputFile(value.content, value.name) if isinstance(value, Upload) else value
        for name, value in values.items()
    }
    try:
        validate_method(NO_DEFAULTS, kind.model_validate(told))
    except ValidationError as error:
        first = error.errors()[0]
        raise Breach(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ApiRuleViolation as rule:
        raise Breach(rule.description.removeprefix("Bad Request: ")) from None


def _keyboard(given: dict[str, Any]) -> None:
    rows = given.get("inline_keyboard") or []
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise Breach("reply markup is too long")
    for place, button in enumerate(buttons):
        if not button["text"].strip():
            raise Breach("inline keyboard button text must be non-empty")
        if "url" in button:
            _url(button["url"])
        app = button.get("web_app", {}).get("url", "https://")
        if not app.startswith("https://"):
            raise Breach(f"inline keyboard button Web App URL '{app}' is invalid: Only HTTPS links are allowed")
        if button.get("style") not in {None, "danger", "success", "primary"}:
            raise Breach("can't parse inline keyboard button: invalid button style specified")
        if "pay" in button and place:
            raise Breach("BUTTON_POS_INVALID")


def _url(url: str) -> None:
    """A link under a button: a host without a dot is none, which `localhost` teaches the hard way."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    fine = parts.scheme == "tg" or (parts.scheme in {"http", "https", "ton"} and "." in (parts.hostname or ""))
    if not fine or re.search(r"\s", url):
        raise Breach(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _shown(rows: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """The keyboard as people get it; empty rows vanish."""
    made = []
    for row in rows:
        buttons = [button | {"text": markup.cleaned(button["text"])} for button in row]
        for button in buttons:
            if "copy_text" in button:
                button["copy_text"] = {"text": markup.cleaned(button["copy_text"]["text"])}
        made += [buttons] if buttons else []
    return made


def _upload(upload: Upload) -> None:
    if not upload.content:
        raise Breach("file must be non-empty")
    if len(upload.content) > UPLOADABLE:
        raise Breach("Request Entity Too Large", 413)


def _commands(values: dict[str, Any]) -> None:
    seen = [command["command"] for command in values["commands"]]
    if not all(COMMAND.fullmatch(name) for name in seen) or len(set(seen)) != len(seen):
        raise Breach("BOT_COMMAND_INVALID")
    _language(values)


def _language(values: dict[str, Any]) -> None:
    if not re.fullmatch(r"([a-z]{2})?", values.get("language_code", "")):
        raise Breach("invalid language code specified")


def _invoice(values: dict[str, Any]) -> None:
    if values["currency"] != "XTR":
        raise Breach("this double knows payments in Stars (XTR) only")
    if values.get("provider_token"):
        raise Breach("PAYMENT_PROVIDER_INVALID")
    if not 1 <= values["prices"][0]["amount"] <= 100_000:
        raise Breach("CURRENCY_TOTAL_AMOUNT_INVALID")
    if values.get("max_tip_amount") or values.get("suggested_tip_amounts"):
        raise Breach("tips are not supported for payments in Telegram Stars")
    if values.get("subscription_period") not in {None, MONTH}:
        raise Breach("SUBSCRIPTION_PERIOD_INVALID")
    if "subscription_period" in values and values["prices"][0]["amount"] > DEAREST_SUBSCRIPTION:
        raise Breach("SUBSCRIPTION_PRICE_INVALID")
    if not START.fullmatch(values.get("start_parameter") or "x"):
        raise Breach("START_PARAM_INVALID")
    rows = (values.get("reply_markup") or {}).get("inline_keyboard") or [[{"pay": True}]]
    if not rows[0] or not rows[0][0].get("pay"):
        raise Breach("the first button of an invoice must be a Pay button")


def _no_pay_button(values: dict[str, Any]) -> None:
    rows = (values.get("reply_markup") or {}).get("inline_keyboard") or []
    if any("pay" in button for row in rows for button in row):
        raise Breach("BUTTON_TYPE_INVALID")


def _webhook(values: dict[str, Any]) -> None:
    if "secret_token" in values and not SECRET.fullmatch(values["secret_token"]):
        raise Breach("secret token contains unallowed characters")
    parts = urlsplit(values["url"])
    if not values["url"] or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}):
        return  # removal; or what a Bot API server of one's own allows beside itself
    if parts.scheme != "https":
        raise Breach("bad webhook: An HTTPS URL must be provided for webhook")
    if parts.port not in {None, 443, 80, 88, 8443}:
        raise Breach("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _which_message(values: dict[str, Any]) -> None:
    if "chat_id" not in values or "message_id" not in values:
        raise Breach("message identifier is not specified")
    _no_pay_button(values)


def _edited_text(values: dict[str, Any]) -> None:
    _which_message(values)
    if "text" not in values:
        raise Breach("message text is empty")


def _checkout(values: dict[str, Any]) -> None:
    if not values["ok"] and not values.get("error_message"):
        raise Breach("error message must be non-empty")


OWN: dict[str, Any] = {
    "setMyCommands": _commands,
    "getMyCommands": _language, "deleteMyCommands": _language, "setMyName": _language, "setMyDescription": _language,
    "setMyShortDescription": _language, "getMyName": _language, "getMyDescription": _language,
    "getMyShortDescription": _language, "sendInvoice": _invoice, "createInvoiceLink": _invoice, "setWebhook": _webhook,
    "sendMessage": _no_pay_button, "sendDocument": _no_pay_button, "sendPhoto": _no_pay_button,
    "editMessageText": _edited_text, "editMessageReplyMarkup": _which_message, "editMessageCaption": _which_message,
    "answerPreCheckoutQuery": _checkout,
}  # fmt: skip
