"""WeChat's side of the envelope: signatures and AES, written from the protocol and with nothing of the store's."""

import base64
import hashlib
import os
import struct
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PADDED_TO = 32


def sha1(*parts: str) -> str:
    """The signature over a token and other parts, in the order of their letters."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypted(aes_key: str, app_id: str, message: bytes) -> str:
    """16 random bytes, the length (4 bytes, big endian), the message, the app id; PKCS#7 to 32; AES-256-CBC."""
    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + app_id.encode()
    count = PADDED_TO - len(plain) % PADDED_TO
    step = _cipher(aes_key).encryptor()
    return base64.b64encode(step.update(plain + bytes([count]) * count) + step.finalize()).decode()


def decrypted(aes_key: str, app_id: str, written: str) -> bytes:
    """What is inside. Raises `ValueError` for anything that is not exactly as it must be."""
    sealed = base64.b64decode(written, validate=True)
    if not sealed or len(sealed) % PADDED_TO:
        raise ValueError("the ciphertext is not padded to 32 bytes")
    step = _cipher(aes_key).decryptor()
    plain = step.update(sealed) + step.finalize()
    count = plain[-1]
    if not 1 <= count <= PADDED_TO or plain[-count:] != bytes([count]) * count:
        raise ValueError("the padding is wrong")
    plain = plain[:-count]
    (length,) = struct.unpack(">I", plain[16:20])
    message, named = plain[20 : 20 + length], plain[20 + length :]
    if len(message) != length or named != app_id.encode():
        raise ValueError("the app id inside is not the account's")
    return message


def _cipher(aes_key: str) -> Cipher:  # type: ignore[type-arg]
    key = base64.b64decode(aes_key + "=", validate=True)
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def xml(fields: dict[str, object]) -> str:
    """A message as WeChat writes it: words in CDATA, numbers bare, a group as tags within a tag, a list as repeats."""
    return f"<xml>{''.join(_tag(name, value) for name, value in fields.items())}</xml>"


def _tag(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_tag(name, each) for each in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(_tag(inner, each) for inner, each in value.items())}</{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    text = str(value)
    written = escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"
    return f"<{name}>{written}</{name}>"
