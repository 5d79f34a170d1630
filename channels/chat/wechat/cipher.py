"""Signatures and ciphertext of WeChat's callbacks: wechatpy's SHA-1 and AES, with the checks that it leaves out.

Taken from wechatpy 1.8.18, because it is right: how a signature is made (`WeChatSigner`), AES-256-CBC
(`WeChatCipher`), padding to 32 bytes (`PKCS7Encoder.encode`). Not taken: its comparison (`!=`: its time tells how much
was guessed), its decryption (cuts off whatever the last byte says, believes the length inside, raises five kinds of
error), its filler (from `random`, which can be foretold).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from wechatpy.crypto.cryptography import WeChatCipher
from wechatpy.crypto.pkcs7 import PKCS7Encoder
from wechatpy.utils import WeChatSigner

from channels.chat.wechat.refused import Junk, JunkKind, Unauthentic, Why
from core.secret import Secret

AES_BLOCK = 16
PADDED_TO = 32
FILLER = 16
LENGTH = struct.Struct(">I")


class Mode(StrEnum):
    """How an account's server configuration says that messages travel (消息加解密方式)."""

    PLAIN = "plain"  # 明文模式
    COMPATIBLE = "compatible"  # 兼容模式: plain and encrypted side by side
    SAFE = "safe"  # 安全模式: encrypted only


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """What one account needs to read and write envelopes.

    `aes_key` is the EncodingAESKey of 43 signs, needed unless the mode is plain; `original_id` the account's `gh_…`
    name, empty where it is not known. Raises `ValueError` for keys that could not work, before they are used.
    """

    app_id: str
    token: Secret
    mode: Mode = Mode.PLAIN
    aes_key: Secret | None = None
    original_id: str = ""
    _key: Secret | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if not self.app_id or not self.token.reveal():
            raise ValueError("an account needs its app id and its token")
        if self.mode is not Mode.PLAIN and self.aes_key is None:
            raise ValueError(f"{self.mode.value} mode needs the account's EncodingAESKey")
        if self.aes_key is not None:
            object.__setattr__(self, "_key", decoded_key(self.aes_key))

    def key(self) -> Secret | None:
        """The 32 bytes behind the EncodingAESKey."""
        return self._key


def decoded_key(aes_key: Secret) -> Secret:
    """The AES key of an EncodingAESKey. Raises `ValueError`, which never shows it."""
    written = aes_key.reveal()
    if len(written) != 43:
        raise ValueError("an EncodingAESKey has 43 signs")
    try:
        return Secret(base64.b64decode(written + b"=", validate=True))
    except binascii.Error:
        raise ValueError("an EncodingAESKey is Base64 without its last sign") from None


def signed(keys: AccountKeys, *parts: str) -> str:
    """`sha1` of the token and the parts, sorted and joined."""
    signer = WeChatSigner()
    signer.add_data(keys.token.reveal(), *(part.encode(errors="replace") for part in parts))
    return str(signer.signature)


def check_signed(keys: AccountKeys, signature: str, *parts: str) -> None:
    """Compare in constant time. Raises `Unauthentic`."""
    if not hmac.compare_digest(signed(keys, *parts).encode(), signature.encode(errors="replace")):
        raise Unauthentic(Why.SIGNATURE)


def encrypted(keys: AccountKeys, message: bytes) -> str:
    """16 random bytes, the length, the message and the app id, padded, in AES-256-CBC and Base64."""
    key = keys.key()
    if key is None:
        raise ValueError("this account has no EncodingAESKey")
    plain = secrets.token_bytes(FILLER) + LENGTH.pack(len(message)) + message + keys.app_id.encode()
    return base64.b64encode(WeChatCipher(key.reveal()).encrypt(PKCS7Encoder.encode(plain))).decode()


def decrypted(keys: AccountKeys, written: str) -> bytes:
    """The message inside `Encrypt`, whose signature was checked before. Raises `Junk` and `Unauthentic`."""
    key = keys.key()
    if key is None:
        raise Junk(JunkKind.NO_KEY)
    try:
        ciphertext = base64.b64decode(written, validate=True)
    except ValueError:
        raise Junk(JunkKind.ENCRYPT) from None
    if not ciphertext or len(ciphertext) % AES_BLOCK:
        raise Junk(JunkKind.ENCRYPT)
    return _inside(unpadded(WeChatCipher(key.reveal()).decrypt(ciphertext)), keys)


def unpadded(plain: bytes) -> bytes:
    """Without PKCS#7 padding to 32 bytes, every byte of which is checked. Raises `Unauthentic`."""
    count = plain[-1]
    if not 1 <= count <= min(PADDED_TO, len(plain)) or plain[-count:] != bytes([count]) * count:
        raise Unauthentic(Why.CIPHERTEXT)
    return plain[:-count]


def _inside(plain: bytes, keys: AccountKeys) -> bytes:
    start = FILLER + LENGTH.size
    if len(plain) < start:
        raise Unauthentic(Why.CIPHERTEXT)
    (length,) = LENGTH.unpack(plain[FILLER:start])
    if length > len(plain) - start:
        raise Unauthentic(Why.CIPHERTEXT)
    if not hmac.compare_digest(plain[start + length :], keys.app_id.encode()):
        raise Unauthentic(Why.APP_ID)
    return plain[start : start + length]
