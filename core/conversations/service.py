"""The one entrance to conversations: sessions, the inbox, buttons and menus."""

from core.conversations.buttons import (
    MenuOption,
    StaleButton,
    StaleMenu,
    mint_buttons,
    read_button,
    read_menu,
    remember_menu,
)
from core.conversations.inbox import Received, answer_with, give_back, receive
from core.conversations.sessions import (
    Conversation,
    NewSession,
    Session,
    access_conversation,
    answer_keys,
    find_conversation,
    open_session,
    session_by_token,
)

__all__ = [
    "Conversation",
    "MenuOption",
    "NewSession",
    "Received",
    "Session",
    "StaleButton",
    "StaleMenu",
    "access_conversation",
    "answer_keys",
    "answer_with",
    "find_conversation",
    "give_back",
    "mint_buttons",
    "open_session",
    "read_button",
    "read_menu",
    "receive",
    "remember_menu",
    "session_by_token",
]
