"""The few cryptographic moves that every seal is made of, so that each has one shape and one failure.

Nothing here knows what is sealed; ``seal.py`` gives each use its purpose and its context. Algorithms: HPKE
(RFC 9180) with ML-KEM-768 + X25519, HKDF-SHA256 and AES-256-GCM; AES-256-GCM alone under a data key; and for
browsers, which have no ML-KEM, ECDH over P-256 with HKDF-SHA256 and AES-256-GCM.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY_BYTES = 32
NONCE_BYTES = 12
POINT_BYTES = 65  # an uncompressed point of P-256, as WebCrypto exports a public key
SEED_BYTES = 96  # 64 for ML-KEM-768 (d and z of FIPS 203), 32 for X25519
_MLKEM_SEED = 64
_MLKEM_PUBLIC = 1184
_PRIVATE_MARK = b"KSPRIV1\n"
_PUBLIC_MARK = b"KSPUB01\n"
_POINT_FORMAT = b"\x01"
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)

Part = bytes | str | int | UUID


class SealError(Exception):
    """A seal does not open or does not fit. One type and one text: it tells nobody which part was wrong."""

    def __init__(self) -> None:
        super().__init__("the seal does not open")


def framed(*parts: Part) -> bytes:
    """Join parts so that no two different lists give the same bytes: each with its length (4 bytes, big endian).

    Text is UTF-8, whole numbers decimal ASCII, UUIDs their 16 bytes.
    """
    joined = bytearray()
    for part in parts:
        if isinstance(part, UUID):
            raw = part.bytes
        elif isinstance(part, bytes):
            raw = part
        else:
            raw = str(part).encode()
        joined += len(raw).to_bytes(4, "big") + raw
    return bytes(joined)


def private_from_seed(seed: bytes) -> bytes:
    """The serialised private key (104 bytes) made of a 96-byte seed."""
    if len(seed) != SEED_BYTES:
        raise SealError
    return _PRIVATE_MARK + seed


def new_private() -> bytes:
    """A fresh serialised private key."""
    return private_from_seed(os.urandom(SEED_BYTES))


def public_of(private: bytes) -> bytes:
    """The serialised public key (1,224 bytes) of a serialised private key. Raises `SealError` for other bytes."""
    mlkem, x25519 = _halves(private)
    return _PUBLIC_MARK + mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def public_id(public: bytes) -> str:
    """Sixteen hex characters that name a public key. Raises `SealError` for bytes that are none."""
    _public(public)
    return hashlib.sha256(public).hexdigest()[:16]


def _halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(private) != len(_PRIVATE_MARK) + SEED_BYTES or not private.startswith(_PRIVATE_MARK):
        raise SealError
    seed = private[len(_PRIVATE_MARK) :]
    return (
        MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:]),
    )


def _public(public: bytes) -> hpke.MLKEM768X25519PublicKey:
    body = public[len(_PUBLIC_MARK) :]
    if not public.startswith(_PUBLIC_MARK) or len(body) != _MLKEM_PUBLIC + KEY_BYTES:
        raise SealError
    try:
        return hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(body[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(body[_MLKEM_PUBLIC:]),
        )
    except ValueError:
        raise SealError from None


def hpke_seal(public: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal to a serialised public key: 1,136 bytes longer than the plaintext."""
    return _SUITE.encrypt(plaintext, _public(public), info=context)


def hpke_open(private: bytes, sealed: bytes, context: bytes) -> bytes:
    """Open what `hpke_seal` made with the same context. Raises `SealError`."""
    mlkem, x25519 = _halves(private)
    try:
        return _SUITE.decrypt(sealed, hpke.MLKEM768X25519PrivateKey(mlkem, x25519), info=context)
    except (InvalidTag, ValueError):
        raise SealError from None


def check_point(point: bytes) -> None:
    """Raises `SealError` unless the bytes are an uncompressed point of P-256."""
    _point(point)


def point_seal(point: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal to a browser's P-256 point: 94 bytes longer than the plaintext. Raises `SealError` for bytes that are none.

    Format 1, then a fresh point of ours (65 bytes), a nonce (12), and AES-256-GCM with the context as associated data.
    Its key is HKDF-SHA256 (no salt) of the shared secret; `info` is the framed context and both points.
    """
    fresh = ec.generate_private_key(ec.SECP256R1())
    ours = fresh.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = fresh.exchange(ec.ECDH(), _point(point))
    info = framed(context, ours, point)
    key = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(shared)
    return _POINT_FORMAT + ours + gcm_seal(key, plaintext, context)


def _point(point: bytes) -> ec.EllipticCurvePublicKey:
    if len(point) != POINT_BYTES:
        raise SealError
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise SealError from None


def gcm_seal(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """AES-256-GCM with a random nonce in front: 28 bytes longer than the plaintext."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _aes(key).encrypt(nonce, plaintext, context)


def gcm_open(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Open what `gcm_seal` made with the same context. Raises `SealError`."""
    return gcm_open_at(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)


def gcm_seal_at(key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
    """AES-256-GCM under a nonce that the caller never uses twice with this key."""
    return _aes(key).encrypt(nonce, plaintext, context)


def gcm_sealer(key: bytes) -> Callable[[bytes, bytes, bytes | None], bytes]:
    """`gcm_seal_at` under one key, for many: takes nonce, plaintext, context."""
    return _aes(key).encrypt


def gcm_open_at(key: bytes, nonce: bytes, sealed: bytes, context: bytes) -> bytes:
    """Open what `gcm_seal_at` made. Raises `SealError`."""
    try:
        return _aes(key).decrypt(nonce, sealed, context)
    except (InvalidTag, ValueError):
        raise SealError from None


def derive(secret: bytes, purpose: str, length: int) -> bytes:
    """`length` bytes by HKDF-SHA256 from a secret of full entropy, for one purpose."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=purpose.encode()).derive(secret)


def _aes(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise SealError
    return AESGCM(key)
