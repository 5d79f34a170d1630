"""Every setting of the store, typed: read from TOML and the environment, checked before anything starts.

Secrets stand in the settings only as references (`env:NAME`, `file:/path`), resolved at the moment of use.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.secret import Secret

SOCKET_PATH_BYTES = 107  # sun_path of a Unix socket on Linux, without its closing zero
_LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
_SHORTEST_SECRET = 16
_DEFAULTS_PEOPLE_LEAVE = (b"change", b"secret", b"password", b"default", b"example")


class ConfigError(Exception):
    """A setting is wrong or missing; the text is one line that names it and says how to mend it."""


@dataclass(frozen=True)
class Store:
    """[store]: what the installation is called and where it keeps its files."""

    name: str = "Keystall"
    default_locale: str = "zh-CN"
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    data_dir: Path = Path("var")


@dataclass(frozen=True)
class DatabaseRoles:
    """[database.roles]: one login per role; each process gets the addresses of its own role only."""

    shop: str = ""
    panel: str = ""
    worker: str = ""
    vault: str = ""
    direct: str = ""


@dataclass(frozen=True)
class Database:
    """[database]: the owner's address, used by `migrate` only; empty means the embedded PostgreSQL."""

    url: str = ""
    roles: DatabaseRoles = field(default_factory=DatabaseRoles)


@dataclass(frozen=True)
class Redis:
    """[redis]: empty means the embedded Valkey."""

    url: str = ""


@dataclass(frozen=True)
class Web:
    """[web]: listeners, and the addresses that links are built from."""

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    panel_url: str = ""
    page_url: str = ""
    ops_host: str = "127.0.0.1"
    ops_port: int = 8001
    trusted_proxies: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class Vault:
    """[vault]: references to the keys, the cards that may be opened per merchant, SKU and hour, and
    the rows that a supplier who is not vetted may bring a day.
    """

    socket: str = ""
    private_key: str = "file:keys/vault.key"
    public_key: str = "file:keys/vault.pub"
    fingerprint_key: str = "file:keys/fingerprint.key"
    audit_key: str = "file:keys/audit.key"
    link_key: str = "file:keys/link.key"
    sign_key: str = "file:keys/sign.key"
    opening_budget_per_hour: int = 200
    unvetted_rows_per_day: int = 5000


@dataclass(frozen=True)
class Secrets:
    """[secrets]: references to the keys that processes other than the vault use."""

    verify_key: str = "file:keys/verify.key"
    act_key: str = "file:keys/act.key"
    session_key: str = "file:keys/session.key"
    seal_key: str = "file:keys/seal.key"
    inbox_key: str = "file:keys/inbox.key"
    bot_key: str = "file:keys/bot.key"
    worker_key: str = "file:keys/worker.key"
    operator_key: str = "file:keys/operator.key"


@dataclass(frozen=True)
class Telegram:
    """[telegram]: how the Bot API is reached."""

    api_base: str = ""
    mode: str = "polling"
    proxy: str = ""


@dataclass(frozen=True)
class WeChat:
    """[wechat]: another host for api.weixin.qq.com."""

    api_base: str = ""


@dataclass(frozen=True)
class Mail:
    """[mail]: the server that takes our letters to shoppers; an empty host switches e-mail off."""

    host: str = ""
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = ""
    sender: str = ""
    name: str = ""


@dataclass(frozen=True)
class Sms:
    """[sms]: who sends text messages, and the templates approved there; an empty provider switches them off."""

    provider: str = ""
    endpoint: str = ""
    region: str = ""
    access_key_id: str = ""
    access_key_secret: str = ""
    app_id: str = ""
    sign_name: str = ""
    cards_template: str = ""
    cards_params: tuple[str, ...] = ("order", "code")
    code_template: str = ""
    code_params: tuple[str, ...] = ("code",)


@dataclass(frozen=True)
class Alerts:
    """[alerts]: where the operator is told what a person must see; each address is a secret by reference."""

    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Orders:
    """[orders]: how long and how much an unpaid order may keep from others."""

    hold_minutes: int = 15
    unpaid_per_shopper: int = 3
    unpaid_per_network: int = 20
    stranger_share_percent: int = 20
    share_percent: int = 50


@dataclass(frozen=True)
class PaySandbox:
    """[pay.sandbox]: play money; works only in a database marked `demo`, on a loopback listener."""

    enabled: bool = False


@dataclass(frozen=True)
class Pay:
    """[pay]: gateways that belong to the installation; the merchants' own live in the database."""

    sandbox: PaySandbox = field(default_factory=PaySandbox)


@dataclass(frozen=True)
class Config:
    """All settings. Built by `core.config.loading.load`; a test may build one with `Config()` and `replace`."""

    store: Store = field(default_factory=Store)
    database: Database = field(default_factory=Database)
    redis: Redis = field(default_factory=Redis)
    web: Web = field(default_factory=Web)
    vault: Vault = field(default_factory=Vault)
    secrets: Secrets = field(default_factory=Secrets)
    telegram: Telegram = field(default_factory=Telegram)
    wechat: WeChat = field(default_factory=WeChat)
    mail: Mail = field(default_factory=Mail)
    sms: Sms = field(default_factory=Sms)
    alerts: Alerts = field(default_factory=Alerts)
    orders: Orders = field(default_factory=Orders)
    pay: Pay = field(default_factory=Pay)

    @property
    def data_dir(self) -> Path:
        """The absolute folder of everything the store keeps."""
        return self.store.data_dir.absolute()

    @property
    def keys_dir(self) -> Path:
        """The folder of the key files, 0700."""
        return self.data_dir / "keys"

    @property
    def public_url(self) -> str:
        """The shop's address without a closing slash; links are built from it, never from a request."""
        host = f"[{self.web.host}]" if ":" in self.web.host else self.web.host
        return self.web.public_url.rstrip("/") or f"http://{host}:{self.web.port}"

    @property
    def vault_socket(self) -> Path:
        """Where the vault listens; in the short folder if data_dir's path is too long for a socket."""
        if self.vault.socket:
            return self.data_dir / self.vault.socket
        wanted = self.data_dir / "vault" / "vault.sock"
        if len(os.fsencode(wanted)) <= SOCKET_PATH_BYTES:
            return wanted
        return _short_folder(self.data_dir) / "vault" / "vault.sock"

    @property
    def engine_sockets(self) -> Path:
        """The folder of the engines' sockets; a short one if data_dir's path is too long for a socket."""
        wanted = self.data_dir / "run"
        if len(os.fsencode(wanted)) + _LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES:
            return wanted
        return _short_folder(self.data_dir) / "run"

    def secret(self, reference: str) -> Secret:
        """The secret behind a reference; nothing is kept.

        Raises ConfigError when it is missing, empty, shorter than 16 bytes or a default that people leave.
        """
        return resolve(reference, data_dir=self.data_dir, environ=os.environ)

    def given_secret(self, reference: str) -> Secret:
        """A secret that somebody else made (a mail password, an address to alert at), without the line's end of a file.

        Nobody's key can be guessed from it, so it may be short. Raises ConfigError when it is missing or empty.
        """
        value = _read(reference, data_dir=self.data_dir, environ=os.environ).strip()
        if not value:
            raise ConfigError(f"the secret of {reference} is empty: put there what the other side gave you")
        return Secret(value)


def _short_folder(data_dir: Path) -> Path:
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/tmp") / f"keystall-{os.getuid()}-{mark}"  # noqa: S108 (0700, and refused if another made it)


def resolve(reference: str, *, data_dir: Path, environ: Mapping[str, str]) -> Secret:
    """Read `env:NAME`, `file:PATH` (relative to data_dir) or `credential:NAME` (of systemd).

    A value `base64:…` is decoded where it is used.
    """
    value = _read(reference, data_dir=data_dir, environ=environ)
    _refuse_weak(value, reference)
    return Secret(value)


def _read(reference: str, *, data_dir: Path, environ: Mapping[str, str]) -> bytes:
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        value = environ.get(place, "").encode()
        if not value:
            raise ConfigError(f"the environment variable {place} is empty: set it to the secret of {reference!r}")
        return value
    if kind == "file" and place:
        return _read_secret_file(data_dir / place)
    if kind == "credential" and place:
        folder = environ.get("CREDENTIALS_DIRECTORY", "")
        if not folder:
            raise ConfigError(f"{reference} needs systemd: name it in the unit with LoadCredential= and start that")
        return _read_secret_file(Path(folder) / place)
    known = "env:NAME, file:PATH or credential:NAME"
    raise ConfigError(f"a secret must be a reference, {known}: this process was given none")


def _read_secret_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        mend = "put it back from your copy (`python run.py init` makes the keys of a new store)"
        raise ConfigError(f"the key file {path} is missing: {mend}") from None
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read ({error.strerror}): mend its owner and mode") from None


def _refuse_weak(value: bytes, reference: str) -> None:
    plain = value.strip().lower()
    weak = len(value) < _SHORTEST_SECRET or len(set(value)) < 4
    if weak or any(plain.startswith(word) for word in _DEFAULTS_PEOPLE_LEAVE):
        raise ConfigError(
            f"the secret of {reference} is empty, too short or a default: put {_SHORTEST_SECRET} or more "
            "random bytes there (`python run.py init` makes the key files)"
        )
