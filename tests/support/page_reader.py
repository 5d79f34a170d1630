"""A page's own key pair as its browser has it: opens what was sealed to it, made with none of our code."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def a_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def parts(*each: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in each)


@dataclass
class PageReader:
    """What WebCrypto does on the page."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=a_key)

    @property
    def point(self) -> bytes:
        """The public half, 65 bytes."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises `InvalidTag` or `ValueError` where it does not fit."""
        if sealed[:1] != b"\x01":
            raise ValueError("another format")
        theirs, nonce, rest = sealed[1:66], sealed[66:78], sealed[78:]
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        aad = parts(b"keystall answer", context)
        info = parts(aad, theirs, self.point)
        shared = self.key.exchange(ec.ECDH(), peer)
        key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(shared)
        return AESGCM(key).decrypt(nonce, rest, aad)


VECTOR_SCALAR = bytes(range(1, 33))
VECTOR_DELIVERY, VECTOR_READER = UUID(int=1), UUID(int=2)
VECTOR_TEXT = '{"cards":[{"token":"crd_1","secret":"A9-é卡"}]}'
VECTOR = bytes.fromhex(
    "0104c15a70d4121019a1d2177ccb068e83313eb2dc6ea8185012e8e4457497f3dc00b69d55fe09ff5698c9b9119fea3de3a14962c8e6668865"
    "f110f697a1cdb263e0921dcbff70148d591df6226192a3b82fe2fafd22e8448fa5f9a075eae4b98d1747450445ecfb80bfed4290f2fa287374"
    "78aab7c329e3db74742eed1c37b738ec5bf0e1873f4748ae84f1fb88f7"
)
"""One sealed answer, opened by the tests of the format and by the page's own script in a browser."""


def vector_reader() -> PageReader:
    """The reader that the vector was sealed to."""
    return PageReader(ec.derive_private_key(int.from_bytes(VECTOR_SCALAR, "big"), ec.SECP256R1()))
