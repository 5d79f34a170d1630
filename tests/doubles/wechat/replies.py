"""A passive reply read as strictly as could be: what WeChat would show, or why it would not."""

from typing import NoReturn
from xml.etree import ElementTree

from tests.doubles.wechat.crypto import decrypted, sha1
from tests.doubles.wechat.world import Account

LONGEST = 2048
LATEST = 300.0
TEXT = ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"]
SEALED = {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
SILENT = {b"", b"success"}


class BadReply(Exception):
    """The follower would see that the service is out of order."""


def read_reply(account: Account, openid: str, body: bytes, now: float) -> str | None:
    """The text of a reply; None where there is nothing to show. Raises `BadReply`."""
    if body in SILENT:
        return None
    fields = _fields(body)
    if set(fields) == SEALED:
        fields = _fields(_opened(account, fields))
    elif account.mode == "safe":
        _no("a plain reply in safe mode")
    return _text(account, openid, fields, now)


def _opened(account: Account, fields: dict[str, str]) -> bytes:
    if account.mode == "plain":
        _no("an encrypted reply in plain mode")
    if not fields["TimeStamp"].isdigit() or not fields["Nonce"]:
        _no("TimeStamp or Nonce of the envelope")
    wanted = sha1(account.token, fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
    if fields["MsgSignature"] != wanted:
        _no("MsgSignature")
    try:
        return decrypted(account.aes_key, account.app_id, fields["Encrypt"])
    except ValueError as problem:
        raise BadReply(f"Encrypt: {problem}") from None


def _text(account: Account, openid: str, fields: dict[str, str], now: float) -> str:
    if list(fields) != TEXT:
        _no(f"the tags {', '.join(fields)}")
    if fields["MsgType"] != "text":
        _no(f"MsgType {fields['MsgType']}")
    if (fields["ToUserName"], fields["FromUserName"]) != (openid, account.original_id):
        _no("it is not from the account to the follower who spoke")
    if not fields["CreateTime"].isdigit() or abs(int(fields["CreateTime"]) - now) > LATEST:
        _no(f"CreateTime {fields['CreateTime']}")
    if not fields["Content"].strip():
        _no("an empty Content")
    if (size := len(fields["Content"].encode())) > LONGEST:
        _no(f"Content has {size} bytes")
    return fields["Content"]


def _fields(body: bytes) -> dict[str, str]:
    """The tags right below `<xml>`, in order."""
    if b"<!" in body.replace(b"<![CDATA[", b""):
        _no("a declaration in its XML")
    try:
        root = ElementTree.fromstring(body.decode("utf-8"))
    except (ElementTree.ParseError, UnicodeDecodeError):
        raise BadReply("no XML in UTF-8") from None
    names = [child.tag for child in root]
    if root.tag != "xml" or len(set(names)) != len(names) or any(len(child) for child in root):
        _no("not flat tags, each once, below <xml>")
    return {child.tag: child.text or "" for child in root}


def _no(why: str) -> NoReturn:
    raise BadReply(why)
