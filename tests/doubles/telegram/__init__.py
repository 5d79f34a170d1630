"""A Telegram of one's own: the Bot API over loopback HTTP, checked by its schema, with people who talk, tap and pay."""

from tests.doubles.telegram.double import TelegramDouble
from tests.doubles.telegram.person import Tap, Toast, User
from tests.doubles.telegram.purse import Payment
from tests.doubles.telegram.seen import Button, Seen
from tests.doubles.telegram.serving import serve
from tests.doubles.telegram.world import BotAccount, GroupChat

__all__ = ["BotAccount", "Button", "GroupChat", "Payment", "Seen", "Tap", "TelegramDouble", "Toast", "User", "serve"]
