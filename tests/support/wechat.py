"""WeChat's side of the envelope for tests, made with none of our code: signed, encrypted and worded as WeChat does."""

import base64
import hashlib
import struct
from datetime import UTC, datetime
from string import ascii_lowercase, digits

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from channels.chat.wechat.cipher import AccountKeys, Mode
from channels.chat.wechat.envelope import open_post
from core.secret import Secret

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
NONCE = "1372623149"
TOKEN = "spamtest"
APP_ID = "wx2c2769f8efd9abc2"
AES_KEY = ascii_lowercase + digits + "ABCDEFG"
RAW_KEY = base64.b64decode(AES_KEY + "=")
OPENID = "oABCD_efgh-1234"
ACCOUNT = "gh_0123456789ab"
TEXT = (
    f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>"
    "<CreateTime>1772424000</CreateTime><MsgType><![CDATA[text]]></MsgType>"
    "<Content><![CDATA[买 A1 2]]></Content><MsgId>24601000000000001</MsgId></xml>"
)


def keys(mode=Mode.SAFE, **changed):
    values = {"app_id": APP_ID, "token": Secret(TOKEN), "mode": mode, "aes_key": Secret(AES_KEY)}
    return AccountKeys(**values | changed)


def sha1(*parts):
    return hashlib.sha1("".join(sorted((TOKEN, *parts))).encode()).hexdigest()


def aes(plain, *, decrypt=False, key=RAW_KEY):
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
    step = cipher.decryptor() if decrypt else cipher.encryptor()
    return step.update(plain) + step.finalize()


def sealed(message, *, app_id=APP_ID, filler=b"0123456789abcdef", length=None, padding=None, key=RAW_KEY):
    """What WeChat puts into Encrypt, made without any code of ours."""
    data = message if isinstance(message, bytes) else message.encode()
    plain = filler + struct.pack(">I", len(data) if length is None else length) + data + app_id.encode()
    count = 32 - len(plain) % 32
    plain += bytes([count]) * count if padding is None else padding(count)
    return base64.b64encode(aes(plain, key=key)).decode()


def envelope(encrypt):
    return f"<xml><ToUserName>{ACCOUNT}</ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode()


def query(encrypt=None, *, stamp=STAMP, nonce=NONCE, **changed):
    values = {"signature": sha1(stamp, nonce), "timestamp": stamp, "nonce": nonce}
    if encrypt is not None:
        values |= {"encrypt_type": "aes", "msg_signature": sha1(stamp, nonce, encrypt)}
    return values | changed


def opened(message, mode=Mode.SAFE, **changed):
    """A message through the envelope of a mode."""
    if mode is Mode.PLAIN:
        return open_post(
            keys(mode, **changed), query(), message if isinstance(message, bytes) else message.encode(), NOW
        )
    encrypt = sealed(message)
    return open_post(keys(mode, **changed), query(encrypt), envelope(encrypt), NOW)


def a_message(**tags):
    """A message of these tags; None leaves one out."""
    values = {"ToUserName": ACCOUNT, "FromUserName": OPENID, "CreateTime": "1772424000", "MsgType": "text",
              "Content": "hello", "MsgId": "7"} | tags  # fmt: skip
    return "<xml>" + "".join(f"<{k}>{v}</{k}>" for k, v in values.items() if v is not None) + "</xml>"


def an_event(**tags):
    return a_message(MsgType="event", Content=None, MsgId=None, **tags)
