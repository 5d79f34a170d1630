"""Settings that say where tokens, app secrets and cards go, and who is believed: sealed like secrets, though none.

Whoever writes the tables with the login of web (one injection is enough) writes `chat_account.settings`. Were the
address of a server there, one UPDATE would send the bots' tokens, the app secrets and opened cards to a server of his
own, whose word would moreover confirm Stars that nobody paid. So these are rows of `credential`, each sealed with the
key of the process that goes by it, for one account and one name; a row that was altered or copied raises `SealError`,
and that account is misconfigured: what is due to its chats waits, and the operator hears of it.

A row that was taken away (renamed, say) means what holds where there never was one, and gives nobody anything: a token
goes to the configured server, else to the platform itself, whose it is; pages are at the shop's own address; messages
of WeChat must be encrypted. A row put back as it was before is a value which the operator once chose.

What stays in `chat_account.settings` decides nothing of worth for who can write there:

- `ios_rule`, `protect_content`: what the reader of a chat sees or may forward of what is his.
- `notice`: a template and the fields of a notice to a follower: the shop's name, the end of an order's number.
- `restock`: whether a bot listens to staff and suppliers; who is one is not asked of this setting.
- `verify_files`: a short text at a fixed name; the platform asks for it, no browser runs it.
- `original_id`: a second check behind the callback token, which is sealed for one account.
- `kind`, `verified`: whether a page asks WeChat who opened it. Without that its link is the proof; but whoever writes
  as web does can make links, and sessions that the vault seals cards to, without any page.

The rate of a Stars account (`gateway_account.settings`) is a price, and lies as open as those in `listing`: whoever
writes either sells too cheaply from then on, for real money that comes to the merchant. From the bill on it is sealed.
"""

from __future__ import annotations

from datetime import datetime

from core.connections.credentials import AccountKind, Holder, find_credential, store_credential
from core.errors import NotFound
from core.secret import Secret

API_BASE = "api_base"  # Telegram: for bot and worker; WeChat: for the worker, which alone calls its API
AUTHORISE_BASE = "authorise_base"  # WeChat: where web sends browsers to be asked who they are
PAGE_URL = "page_url"  # WeChat: where an account's pages are, as web goes by it
PAGE_URL_TOLD = "page_url_told"  # the same, for the worker, whose messages have links
MODE = "mode"  # WeChat: how callbacks travel; without it, encrypted


def keep_setting(key: Secret, *, account_id: int, name: str, holder: Holder, value: str, now: datetime) -> None:
    """Keep a setting of a chat account for `holder`, sealed with its key, in the caller's transaction."""
    kept = Secret(value)
    store_credential(key, kind=AccountKind.CHAT, account_id=account_id, name=name, holder=holder, value=kept, now=now)


def find_setting(key: Secret, *, account_id: int, name: str, holder: Holder) -> str:
    """A setting as it was sealed; empty where there is none or it was not given.

    Raises `SealError` for what was altered or copied.
    """
    try:
        found = find_credential(key, kind=AccountKind.CHAT, account_id=account_id, name=name, holder=holder)
    except NotFound:
        return ""
    return found.reveal().decode()
