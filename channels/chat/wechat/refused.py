"""The two ways in which a callback is turned away: it is not WeChat's, or it is, and nobody can read it."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """Why a callback is not taken for WeChat's; for our log only, the sender learns 403 and nothing else."""

    SIGNATURE = "signature"  # `signature` or `msg_signature` is missing or is not made with our token
    STALE = "stale"  # its timestamp is no time, or lies more than five minutes away
    NO_CIPHERTEXT = "no_ciphertext"  # plain text at an account that is in safe mode
    CIPHERTEXT = "ciphertext"  # it does not open with our key
    APP_ID = "app_id"  # it opens, and names another account inside
    ACCOUNT = "account"  # it is addressed to another account


class JunkKind(StrEnum):
    """What is wrong with a body that nobody can answer."""

    TOO_LARGE = "too_large"  # more than 64 KB
    EMPTY = "empty"  # nothing, or nothing but blanks
    ENCODING = "encoding"  # not UTF-8
    XML = "xml"  # not well-formed, or not `<xml>`
    DOCTYPE = "doctype"  # declares entities: XXE, billion laughs
    NESTED = "nested"  # deeper than any message of WeChat
    CROWDED = "crowded"  # more tags than any message of WeChat
    DUPLICATE = "duplicate"  # a tag twice: two readers could read two messages
    NO_KEY = "no_key"  # encrypted, but this account has no key
    NO_ENCRYPT = "no_encrypt"  # the part that should be encrypted is missing
    ENCRYPT = "encrypt"  # the encrypted part is no Base64 of whole blocks
    NO_TYPE = "no_type"  # no MsgType
    NO_SENDER = "no_sender"  # no openid that could be one
    NO_RECIPIENT = "no_recipient"  # no account that could be one
    NO_EVENT = "no_event"  # an event without its name
    CREATE_TIME = "create_time"  # not a time
    MESSAGE_ID = "message_id"  # not a number


class Unauthentic(Exception):
    """Not WeChat's message, or an old one sent again: the door answers 403 and reads nothing of it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Junk(Exception):
    """A body without any meaning: the door logs the kind once and answers 200 `success`, so that nobody repeats it."""

    def __init__(self, kind: JunkKind) -> None:
        super().__init__(kind.value)
        self.kind = kind
