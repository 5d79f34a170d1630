"""Messages and what is said under them: sent, edited, deleted; files; answers to taps."""

from typing import Any

from tests.doubles.telegram import pictures
from tests.doubles.telegram.errors import Breach, bad_request
from tests.doubles.telegram.schema import Upload
from tests.doubles.telegram.world import BotAccount, GroupChat, Person, World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
DELETABLE_SECONDS = 48 * 3600
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip


def send(world: World, bot: BotAccount, values: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Post a bot's message; what every sending method shares."""
    chat = world.reach(bot, values["chat_id"])
    body = body | _reply(world, bot, chat, values)
    markup = values.get("reply_markup") or {}
    if markup.get("inline_keyboard"):
        body["reply_markup"] = markup
    elif markup and "inline_keyboard" not in markup:
        body["_keyboard"] = markup
    if values.get("protect_content"):
        body["has_protected_content"] = True
    if values.get("disable_notification"):
        body["_silent"] = True
    return shown(world.post(bot, chat, bot.user(), body))


def _reply(world: World, bot: BotAccount, chat: Person | GroupChat, values: dict[str, Any]) -> dict[str, Any]:
    asked = values.get("reply_parameters")
    if not asked or "message_id" not in asked:
        return {}
    target = world.messages(bot, chat.id).get(asked["message_id"])
    if target is None:
        if asked.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")
    return {"reply_to_message": {name: value for name, value in shown(target).items() if name != "reply_to_message"}}


def shown(message: dict[str, Any]) -> dict[str, Any]:
    """The message without what only the double remembers."""
    return {name: value for name, value in message.items() if not name.startswith("_")}


def content(values: dict[str, Any]) -> dict[str, Any]:
    """The text part of a message."""
    body = {"text": values["text"]}
    if values.get("entities"):
        body["entities"] = values["entities"]
    options = values.get("link_preview_options")
    return body | ({"link_preview_options": options} if options else {})


def caption(values: dict[str, Any]) -> dict[str, Any]:
    """The text beneath a file."""
    body = {"caption": values["caption"]} if values.get("caption") else {}
    if body and values.get("caption_entities"):
        body["caption_entities"] = values["caption_entities"]
    return body


def send_message(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """sendMessage."""
    return send(world, bot, values, content(values))


def send_document(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """sendDocument: an uploaded file, or one that Telegram has."""
    world.reach(bot, values["chat_id"])
    given = values["document"]
    if isinstance(given, Upload):
        kept = world.store_file(given.name, given.content, given.content_type)
    elif given in world.files:
        kept = world.files[given]
    else:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return send(world, bot, values, {"document": kept.document()} | caption(values))


def send_photo(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """sendPhoto: uploaded, by id, or by an address, which Telegram fetches itself and this double only looks at."""
    world.reach(bot, values["chat_id"])
    given = values["photo"]
    if isinstance(given, Upload):
        size = pictures.size(given.content)
        if size is None:
            raise Breach("IMAGE_PROCESS_FAILED")
        kept = world.store_file(given.name, given.content, given.content_type, "photos")
    elif given in world.files:
        kept = world.files[given]
        size = pictures.size(kept.content) or (320, 320)
    else:
        kept, size = world.store_file(_public(given), given.encode(), "text/uri-list", "photos"), (320, 320)
    photo = {
        "file_id": kept.id, "file_unique_id": kept.unique_id, "width": size[0], "height": size[1],
        "file_size": len(kept.content),
    }  # fmt: skip
    return send(world, bot, values, {"photo": [photo]} | caption(values))


def _public(address: str) -> str:
    """The address, if Telegram could fetch it."""
    if not address.startswith(("http://", "https://")):
        raise bad_request("wrong file identifier/HTTP URL specified")
    host = address.partition("://")[2].partition("/")[0].partition(":")[0]
    if host in {"localhost", "127.0.0.1"} or "." not in host:
        raise bad_request("failed to get HTTP URL content")
    return address


def _own(world: World, bot: BotAccount, values: dict[str, Any]) -> dict[str, Any]:
    """The bot's message that is to be edited."""
    chat = world.reach(bot, values["chat_id"])
    message = world.messages(bot, chat.id).get(values["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != bot.id:
        raise bad_request("message can't be edited")
    return message


def _edit(world: World, bot: BotAccount, old: dict[str, Any], changes: dict[str, Any], drop: set[str]) -> Any:
    kept = {name: value for name, value in old.items() if name not in drop and name != "edit_date"}
    new = kept | changes
    if new == {name: value for name, value in old.items() if name != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    new["edit_date"] = int(world.now())
    world.messages(bot, old["chat"]["id"])[old["message_id"]] = new
    world.signal.notify()
    return shown(new)


def _markup(values: dict[str, Any]) -> dict[str, Any]:
    markup = values.get("reply_markup") or {}
    return {"reply_markup": markup} if markup.get("inline_keyboard") else {}


def edit_text(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """editMessageText: without a keyboard the message loses its own."""
    old = _own(world, bot, values)
    if "text" not in old:
        raise bad_request("there is no text in the message to edit")
    drop = {"text", "entities", "link_preview_options", "reply_markup"}
    return _edit(world, bot, old, content(values) | _markup(values), drop)


def edit_caption(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """editMessageCaption."""
    old = _own(world, bot, values)
    if not {"document", "photo"} & set(old):
        raise bad_request("there is no caption in the message to edit")
    return _edit(world, bot, old, caption(values) | _markup(values), {"caption", "caption_entities", "reply_markup"})


def edit_markup(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """editMessageReplyMarkup."""
    return _edit(world, bot, _own(world, bot, values), _markup(values), {"reply_markup"})


def delete(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """deleteMessage: own ones, and in private chats also the person's, for 48 hours."""
    chat = world.reach(bot, values["chat_id"])
    message = world.messages(bot, chat.id).get(values["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    foreign = message["from"]["id"] != bot.id
    if isinstance(chat, GroupChat) and foreign and chat.ranks.get(bot.id) != "administrator":
        raise bad_request("message can't be deleted")
    if world.now() - message["date"] > DELETABLE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    del world.messages(bot, chat.id)[message["message_id"]]
    world.signal.notify()
    return True


def delete_many(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """deleteMessages: those that are not there are skipped."""
    chat = world.reach(bot, values["chat_id"])
    for message_id in values["message_ids"]:
        if message_id in world.messages(bot, chat.id):
            delete(world, bot, {"chat_id": chat.id, "message_id": message_id})
    return True


def chat_action(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """sendChatAction."""
    if values["action"] not in ACTIONS:
        raise Breach("wrong parameter action in request")
    world.reach(bot, values["chat_id"])
    return True


def answer_tap(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """answerCallbackQuery: once, and soon."""
    query = world.queries.get(values["callback_query_id"])
    late = query is None or world.now() - query["asked_at"] > world.callback_seconds
    if query is None or late or query["kind"] != "tap" or query["bot"] != bot.id or query["answer"] is not None:
        raise bad_request(TOO_OLD)
    query["answer"] = {name: values.get(name) for name in ("text", "show_alert", "url")}
    world.signal.notify()
    return True


def get_file(world: World, _bot: BotAccount, values: dict[str, Any]) -> Any:
    """getFile: bots may fetch up to 20 MB."""
    kept = world.files.get(values["file_id"])
    if kept is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(kept.content) > 20 * 1024 * 1024:
        raise bad_request("file is too big")
    return {
        "file_id": kept.id, "file_unique_id": kept.unique_id, "file_size": len(kept.content), "file_path": kept.path
    }  # fmt: skip


METHODS = {
    "sendMessage": send_message, "sendDocument": send_document, "sendPhoto": send_photo,
    "editMessageText": edit_text, "editMessageCaption": edit_caption, "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete, "deleteMessages": delete_many, "sendChatAction": chat_action,
    "answerCallbackQuery": answer_tap, "getFile": get_file,
}  # fmt: skip
