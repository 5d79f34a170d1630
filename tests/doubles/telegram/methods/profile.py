"""What a bot says about itself: commands per language and scope, descriptions, menu buttons; and chats from outside."""

import json
from collections.abc import Callable
from typing import Any

from tests.doubles.telegram.errors import bad_request
from tests.doubles.telegram.world import BotAccount, GroupChat, Person, World

ABILITIES = {
    "can_join_groups": True, "supports_inline_queries": False, "can_connect_to_business": False,
    "has_main_web_app": False,
}  # fmt: skip
GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), True
)


def get_me(_world: World, bot: BotAccount, _values: dict[str, Any]) -> Any:
    """getMe."""
    return bot.user() | ABILITIES | {"can_read_all_group_messages": bot.reads_groups}


def scope_of(values: dict[str, Any]) -> str:
    """A scope as the key under which its commands are kept."""
    return json.dumps(values.get("scope") or {"type": "default"}, sort_keys=True)


def set_commands(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """setMyCommands: none removes."""
    key = scope_of(values), values.get("language_code", "")
    if values["commands"]:
        bot.commands[key] = values["commands"]
    else:
        bot.commands.pop(key, None)
    world.signal.notify()
    return True


def get_commands(_world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """getMyCommands: exactly those of the scope and language, without falling back."""
    return bot.commands.get((scope_of(values), values.get("language_code", "")), [])


def delete_commands(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """deleteMyCommands."""
    return set_commands(world, bot, values | {"commands": []})


def commands_seen(bot: BotAccount, person: Person) -> list[dict[str, Any]]:
    """The menu that a person gets in the private chat: narrowest scope first, own language before none."""
    language = (person.language_code or "").partition("-")[0]
    for scope in ({"type": "chat", "chat_id": person.id}, {"type": "all_private_chats"}, {"type": "default"}):
        for spoken in (language, ""):
            if found := bot.commands.get((json.dumps(scope, sort_keys=True), spoken)):
                return found
    return []


def setter(field: str) -> Callable[[World, BotAccount, dict[str, Any]], bool]:
    """setMyName, setMyDescription, setMyShortDescription."""

    def keep(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
        bot.words[field, values.get("language_code", "")] = values.get(field, "")
        world.signal.notify()
        return True

    return keep


def getter(field: str) -> Callable[[World, BotAccount, dict[str, Any]], Any]:
    """Their counterparts: the language's own words, or those for all."""

    def tell(_world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
        spoken = bot.words.get((field, values.get("language_code", "")))
        otherwise = bot.words.get((field, "")) or (bot.name if field == "name" else "")
        return {field: spoken or otherwise}

    return tell


def set_menu_button(_world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """setChatMenuButton, for one chat or for all."""
    bot.menu_buttons[values.get("chat_id", 0)] = values.get("menu_button") or {"type": "default"}
    return True


def get_menu_button(_world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """getChatMenuButton."""
    everywhere = bot.menu_buttons.get(0, {"type": "commands"})
    return bot.menu_buttons.get(values.get("chat_id", 0), everywhere)


def get_chat(world: World, bot: BotAccount, values: dict[str, Any]) -> Any:
    """getChat."""
    chat = world.reach(bot, values["chat_id"])
    return chat.chat() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": GIFTS}


def leave_chat(world: World, bot: BotAccount, values: dict[str, Any]) -> bool:
    """leaveChat: groups only; the bot is told of its own leaving."""
    chat = world.reach(bot, values["chat_id"])
    if not isinstance(chat, GroupChat):
        raise bad_request("chat member status can't be changed in private chats")
    rank = chat.ranks[bot.id]
    chat.ranks[bot.id] = "left"
    bot.mailbox.put("my_chat_member", membership(world, chat.chat(), bot.user(), bot, rank, "left"))
    world.signal.notify()
    return True


def membership(world: World, chat: Any, by: Any, bot: BotAccount, old: str, new: str) -> dict[str, Any]:
    """The body of my_chat_member."""
    return {
        "chat": chat, "from": by, "date": int(world.now()),
        "old_chat_member": _member(bot, old), "new_chat_member": _member(bot, new),
    }  # fmt: skip


def _member(bot: BotAccount, rank: str) -> dict[str, Any]:
    member: dict[str, Any] = {"user": bot.user(), "status": rank}
    if rank == "kicked":
        member["until_date"] = 0
    if rank == "administrator":
        rights = (
            "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
            "can_restrict_members can_promote_members can_change_info can_invite_users "
            "can_post_stories can_edit_stories can_delete_stories"
        )
        member |= {right: right in {"can_manage_chat", "can_delete_messages"} for right in rights.split()}
    return member


METHODS = {
    "getMe": get_me, "setMyCommands": set_commands, "getMyCommands": get_commands, "deleteMyCommands": delete_commands,
    "setMyName": setter("name"), "getMyName": getter("name"),
    "setMyDescription": setter("description"), "getMyDescription": getter("description"),
    "setMyShortDescription": setter("short_description"), "getMyShortDescription": getter("short_description"),
    "setChatMenuButton": set_menu_button, "getChatMenuButton": get_menu_button,
    "getChat": get_chat, "leaveChat": leave_chat,
}  # fmt: skip
