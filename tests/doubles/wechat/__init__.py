"""WeChat of one's own: the platform that calls the store and the API that it calls, strict, with people who follow."""

from tests.doubles.wechat.callbacks import Exchange, Try
from tests.doubles.wechat.double import WeChatDouble
from tests.doubles.wechat.faults import Asked
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.seen import BROKEN, Link, Seen
from tests.doubles.wechat.serving import serve
from tests.doubles.wechat.world import Account

__all__ = ["BROKEN", "Account", "Asked", "Exchange", "Follower", "Link", "Seen", "Try", "WeChatDouble", "serve"]
