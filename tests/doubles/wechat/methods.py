"""What the API does: messages, notices, menus, people, QR codes, quotas. Each takes an account and the JSON."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.doubles.wechat.errors import ApiError
from tests.doubles.wechat.menus import check_menu
from tests.doubles.wechat.quotas import take
from tests.doubles.wechat.world import Account, Fan, World, rights_of

Values = dict[str, Any]
Answer = dict[str, Any]
LONGEST = 2048
OK: Answer = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True, slots=True)
class Method:
    """One address below api.weixin.qq.com; `right` is what an account must have for it."""

    verb: str
    right: str
    act: Callable[[World, Account, Values], Answer]
    daily: int = 100_000


def _reader(account: Account, values: Values) -> Fan:
    """Whom a message is for. Raises ApiError 40003, 43004."""
    fan = account.fan(values.get("touser"))
    if fan is None:
        raise ApiError(40003)
    if not fan.is_following:
        raise ApiError(43004)
    return fan


def send_custom(world: World, account: Account, values: Values) -> Answer:
    """A customer-service message (客服消息); texts only."""
    fan = _reader(account, values)
    if set(values) - {"touser", "msgtype", "text", "customservice"} or values.get("msgtype") != "text":
        raise ApiError(47001, "only texts")
    content = values["text"].get("content") if isinstance(values.get("text"), dict) else None
    if not isinstance(content, str) or not content.strip():
        raise ApiError(44004)
    if len(content.encode()) > LONGEST:
        raise ApiError(45002)
    if fan.is_blacklisted:
        raise ApiError(45015)
    take(fan.windows, world.now())
    world.show(fan, "service", content)
    return OK | {"msgid": world.message_id()}


def send_notice(world: World, account: Account, values: Values) -> Answer:
    """A subscription notice (订阅通知): one consent, one notice."""
    fan = account.fan(values.get("touser"))
    if fan is None:
        raise ApiError(40003)
    fields = _filled(account, values)
    if set(values) - {"touser", "template_id", "page", "miniprogram", "data"}:
        raise ApiError(47001, "an unknown parameter")
    if fan.consents.get(values["template_id"], 0) < 1:
        raise ApiError(43101)
    fan.consents[values["template_id"]] -= 1
    page = str(values.get("page", ""))
    world.show(fan, "notice", "\n".join(fields.values()), template_id=values["template_id"], page=page, fields=fields)
    return OK | {"msgid": world.message_id()}


def send_template(world: World, account: Account, values: Values) -> Answer:
    """A template message (模板消息)."""
    fan = _reader(account, values)
    fields = _filled(account, values)
    page = str(values.get("url", ""))
    world.show(fan, "template", "\n".join(fields.values()), template_id=values["template_id"], page=page, fields=fields)
    return OK | {"msgid": world.message_id()}


def _filled(account: Account, values: Values) -> dict[str, str]:
    """The fields of a template, all of them and no other, each within the signs of its kind. Raises ApiError."""
    names = account.templates.get(str(values.get("template_id")))
    if names is None:
        raise ApiError(40037)
    given = values.get("data")
    if not isinstance(given, dict) or set(given) != set(names):
        raise ApiError(47003, f"data needs {', '.join(names)}")
    fields = {}
    for name, field in given.items():
        value = field.get("value") if isinstance(field, dict) else None
        most = 20 if name.startswith("thing") else 32
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise ApiError(47003, f"data.{name}.value")
        fields[name] = value
    return fields


def create_menu(world: World, account: Account, values: Values) -> Answer:
    """The account's menu (自定义菜单)."""
    check_menu(values)
    account.menu = values
    return OK


def get_menu(world: World, account: Account, values: Values) -> Answer:
    """The menu that was made by the API."""
    if account.menu is None:
        raise ApiError(46003)
    return {"menu": account.menu}


def delete_menu(world: World, account: Account, values: Values) -> Answer:
    """No menu any more."""
    account.menu = None
    return OK


def person(world: World, account: Account, values: Values) -> Answer:
    """What an account learns of a follower: hardly anything but the language."""
    fan = account.fan(values.get("openid"))
    if fan is None:
        raise ApiError(40003)
    known = {"subscribe": int(fan.is_following), "openid": fan.openid}
    return known | ({"language": fan.language, "subscribe_time": int(world.now())} if fan.is_following else {})


def create_code(world: World, account: Account, values: Values) -> Answer:
    """A QR code with a scene."""
    scene = values.get("action_info", {}).get("scene", {}) if isinstance(values.get("action_info"), dict) else {}
    name = values.get("action_name")
    words = str(scene.get("scene_str" if "STR" in str(name) else "scene_id", ""))
    kinds = {"QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"}
    if name not in kinds or not 0 < len(words) <= 64:
        raise ApiError(40053)
    ticket = f"gQ{secrets.token_urlsafe(40)}"
    account.tickets[ticket] = words
    lasts = {} if "LIMIT" in name else {"expire_seconds": int(values.get("expire_seconds", 60))}
    return {"ticket": ticket, "url": f"http://weixin.qq.com/q/{ticket[:20]}"} | lasts


def quota(world: World, account: Account, values: Values) -> Answer:
    """How often an address may be called today, and whether the account may call it at all."""
    path = values.get("cgi_path")
    if not isinstance(path, str) or path not in METHODS:
        raise ApiError(76022 if isinstance(path, str) and path.startswith("/sns/") else 76021)
    if METHODS[path].right not in rights_of(account):
        raise ApiError(76022)
    limit, used = account.daily_limits.get(path, METHODS[path].daily), account.used.get(path, 0)
    return OK | {"quota": {"daily_limit": limit, "used": used, "remain": max(limit - used, 0)}}


def clear_quota(world: World, account: Account, values: Values) -> Answer:
    """All counts of today begin anew."""
    if values.get("appid") != account.app_id:
        raise ApiError(40013)
    account.used.clear()
    return OK


def addresses(world: World, account: Account, values: Values) -> Answer:
    """From where WeChat calls."""
    return {"ip_list": ["127.0.0.1"]}


METHODS = {
    "/cgi-bin/message/custom/send": Method("POST", "custom", send_custom, 500_000),
    "/cgi-bin/message/subscribe/bizsend": Method("POST", "notice", send_notice),
    "/cgi-bin/message/template/send": Method("POST", "template", send_template),
    "/cgi-bin/menu/create": Method("POST", "menu", create_menu, 1000),
    "/cgi-bin/menu/get": Method("GET", "menu", get_menu, 10_000),
    "/cgi-bin/menu/delete": Method("GET", "menu", delete_menu, 1000),
    "/cgi-bin/user/info": Method("GET", "user", person, 500_000),
    "/cgi-bin/qrcode/create": Method("POST", "qrcode", create_code),
    "/cgi-bin/openapi/quota/get": Method("POST", "token", quota),
    "/cgi-bin/clear_quota": Method("POST", "token", clear_quota, 10),
    "/cgi-bin/getcallbackip": Method("GET", "token", addresses),
}
