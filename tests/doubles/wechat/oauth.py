"""Logging in to a web page inside WeChat: the authorise page, codes that work once, what they are exchanged for."""

import hmac
import re
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.doubles.wechat.errors import ApiError
from tests.doubles.wechat.world import Account, Code, Fan, World, rights_of

AUTHORISE = "/connect/oauth2/authorize"
CODE_LASTS = 300.0
ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
SCOPES = {"snsapi_base", "snsapi_userinfo"}


def problem_with(world: World, account: Account | None, asked: dict[str, str]) -> str | None:
    """Why WeChat shows an error instead of going on; what a correct store never sends is a violation too."""
    names = [name for name in asked if name in ORDER]
    place = urlsplit(asked.get("redirect_uri", ""))
    if account is None:
        return "10013 appid 参数错误"
    if "oauth" not in rights_of(account):
        return "10005 该公众号没有权限"
    wrong = None
    if names != [name for name in ORDER if name in asked] or names[:4] != ORDER[:4]:
        wrong = "parameters missing or out of order"
    elif place.scheme not in {"http", "https"} or not place.netloc or place.fragment:
        wrong = "redirect_uri is no address, or has a fragment"
    elif asked["response_type"] != "code" or asked["scope"] not in SCOPES:
        wrong = "response_type or scope"
    elif not re.fullmatch("[A-Za-z0-9]{0,128}", asked.get("state", "")):
        wrong = "state is not up to 128 letters and digits"
    if wrong:
        world.violate(f"{account.name} {AUTHORISE}: {wrong}")
        return wrong
    if account.web_domains is not None and place.hostname not in account.web_domains:
        return "10003 redirect_uri 域名与后台配置不一致"
    return None


def new_code(world: World, account: Account, fan: Fan, asked: dict[str, str]) -> str:
    """Where the person is led back to. Raises AssertionError where WeChat shows an error instead."""
    found = world.accounts.get(asked.get("appid", ""))
    assert found is None or found is account, "another account's login: this openid is not known there"
    wrong = problem_with(world, found, asked)
    assert wrong is None, wrong
    code = f"0{secrets.token_hex(15)}"
    account.codes[code] = Code(fan.openid, asked["scope"], world.now() + CODE_LASTS)
    back = asked["redirect_uri"]
    return f"{back}{'&' if '?' in back else '?'}{urlencode({'code': code, 'state': asked.get('state', '')})}"


def exchanged(world: World, values: dict[str, Any]) -> dict[str, Any]:
    """/sns/oauth2/access_token: whose code it is. Raises ApiError."""
    if not values.get("appid"):
        raise ApiError(41002)
    if not values.get("secret"):
        raise ApiError(41004)
    if not values.get("code"):
        raise ApiError(41008)
    account = world.accounts.get(values["appid"])
    if account is None:
        raise ApiError(40013)
    if not hmac.compare_digest(str(values["secret"]).encode(), account.secret.encode()):
        raise ApiError(40125)
    if values.get("grant_type") != "authorization_code":
        raise ApiError(47003, "grant_type")
    if values["code"] in account.used_codes:
        raise ApiError(40163)
    code = account.codes.pop(values["code"], None)
    if code is None or code.ends_at < world.now():
        raise ApiError(40029)
    account.used_codes.add(values["code"])
    return {
        "access_token": f"88_{secrets.token_urlsafe(48)}",
        "expires_in": 7200,
        "refresh_token": f"88_{secrets.token_urlsafe(48)}",
        "openid": code.openid,
        "scope": code.scope,
    }
