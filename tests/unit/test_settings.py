"""Settings: what is read, from where, and how a wrong one is refused in one sentence."""

import dataclasses
from pathlib import Path

import pytest

from core.config import Config, ConfigError, Store
from core.config.loading import as_environment, load, variable
from core.secret import Secret

ROOT = Path(__file__).resolve().parents[2]


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_file_in_the_root_says_every_default_and_nothing_else() -> None:
    shipped = load(ROOT / "config.toml", {})

    assert shipped == dataclasses.replace(Config(), store=Store(data_dir=ROOT / "var"))
    text = (ROOT / "config.toml").read_text("utf-8")
    for name in as_environment(Config()):
        setting = name.removeprefix("KEYSTALL_").lower().rpartition("__")[2]
        assert f"\n{setting} = " in text, name


def test_the_environment_stands_above_the_file_and_the_file_above_the_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, '[web]\nport = 9000\nhost = "0.0.0.0"\n[database.roles]\nshop = "postgresql://a/b"\n')

    config = load(file, {"KEYSTALL_WEB__PORT": "9001", "KEYSTALL_DATABASE__ROLES__WORKER": "env:WORKER_URL"})

    assert (config.web.host, config.web.port, config.web.ops_port) == ("0.0.0.0", 9001, 8001)
    assert (config.database.roles.shop, config.database.roles.worker) == ("postgresql://a/b", "env:WORKER_URL")


def test_all_settings_pass_through_the_environment_of_a_process_unchanged() -> None:
    before = load(
        None,
        {
            "KEYSTALL_WEB__TRUSTED_PROXIES": "10.0.0.0/8, 192.168.0.1",
            "KEYSTALL_PAY__SANDBOX__ENABLED": "on",
            "KEYSTALL_STORE__NAME": "键铺 “test” 1",
            "KEYSTALL_STORE__DATA_DIR": "/srv/keystall",
        },
    )

    assert before.web.trusted_proxies == ("10.0.0.0/8", "192.168.0.1")
    assert load(None, as_environment(before)) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[web]\nprot = 1\n", "unknown setting web.prot in {file}: did you mean web.port?"),
        ("[wbe]\nport = 1\n", "unknown setting wbe in {file}: did you mean web?"),
        ("hold_minutes = 1\n", "unknown setting hold_minutes in {file}: did you mean orders.hold_minutes?"),
        ("[zzz]\nqqq = 1\n", "unknown setting zzz in {file}: see config.toml for all settings"),
        ('[web]\nport = "8000"\n', 'web.port must be a whole number, not "8000"'),
        ("[web]\nport = true\n", "web.port must be a whole number, not true"),
        ("[web]\nport = 0\n", "web.port is 0: it must be from 1 to 65535"),
        ("[web]\nops_port = 8000\n", "web.ops_port is the same as web.port: give the two listeners different ports"),
        ("[web]\ntrusted_proxies = [1]\n", "web.trusted_proxies must be a list of texts, not [1]"),
        ("web = 1\n", "web is a section in {file}: write it as [web] with its settings below"),
        ("[orders]\nshare_percent = 101\n", "orders.share_percent is 101: it must be from 1 to 100"),
        (
            '[store]\ntimezone = "Mars"\n',
            "store.timezone 'Mars' is unknown: use a name such as Asia/Shanghai",
        ),
        (
            '[web]\npublic_url = "shop.test"\n',
            "web.public_url 'shop.test' must start with https:// (or http://) and a host",
        ),
        ('[telegram]\nmode = "pull"\n', "telegram.mode 'pull' must be polling or webhook"),
        (
            '[telegram]\nproxy = "socks5://nowhere"\n',
            "telegram.proxy must start with socks5:// (or socks4://, http://) and name a host and a port",
        ),
        (
            '[telegram]\nproxy = "ftp://host:1"\n',
            "telegram.proxy must start with socks5:// (or socks4://, http://) and name a host and a port",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_mend(tmp_path: Path, text: str, sentence: str) -> None:
    file = written(tmp_path, text)

    with pytest.raises(ConfigError) as refused:
        load(file, {})

    assert str(refused.value) == sentence.format(file=file)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("KEYSTALL_WEB__PROT", "1", "unknown setting web.prot (variable KEYSTALL_WEB__PROT): did you mean web.port?"),
        ("KEYSTALL_WEB_PORT", "1", "unknown variable KEYSTALL_WEB_PORT: did you mean KEYSTALL_WEB__PORT?"),
        ("KEYSTALL_WEB__PORT", "８０", 'web.port must be a whole number, not "\\uff18\\uff10"'),
        ("KEYSTALL_PAY__SANDBOX__ENABLED", "maybe", 'pay.sandbox.enabled must be true or false, not "maybe"'),
    ],
)
def test_a_wrong_variable_is_named_with_its_mend(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, {name: value})

    assert str(refused.value) == sentence


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert load(None, {"KEYSTALL_DEMO_PASSWORD": "x", "PATH": "/bin"}) == Config()


def test_a_secret_written_into_the_settings_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = written(tmp_path, '[secrets]\nseal_key = "hunter2hunter2hunter2"\n')

    with pytest.raises(ConfigError) as refused:
        load(file, {})

    assert "secrets.seal_key must be a reference" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_relative_data_dir_starts_at_the_file_that_names_it(tmp_path: Path) -> None:
    file = written(tmp_path, '[store]\ndata_dir = "shop"\n')

    assert load(file, {}).data_dir == tmp_path / "shop"
    assert load(file, {"KEYSTALL_STORE__DATA_DIR": "here"}).data_dir == Path.cwd() / "here"


def test_secrets_are_read_from_files_below_data_dir_and_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(store=Store(data_dir=tmp_path))
    (tmp_path / "a.key").write_bytes(bytes(range(32)))
    monkeypatch.setenv("A_KEY", "0123456789abcdef")

    assert config.secret("file:a.key") == Secret(bytes(range(32)))
    assert config.secret(f"file:{tmp_path / 'a.key'}") == Secret(bytes(range(32)))
    assert config.secret("env:A_KEY") == Secret("0123456789abcdef")


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\0" * 32, b"change-me-change-me-change-me", b"  secret-secret-secret"]
)
def test_an_empty_or_default_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """Fault 26."""
    (tmp_path / "a.key").write_bytes(content)

    with pytest.raises(ConfigError, match="empty, too short or a default"):
        Config(store=Store(data_dir=tmp_path)).secret("file:a.key")


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"the key file {tmp_path}/a.key is missing: put it back"):
        Config(store=Store(data_dir=tmp_path)).secret("file:a.key")


@pytest.mark.parametrize("reference", ["", "plain", "env:", "http://x"])
def test_what_is_no_reference_is_no_secret(reference: str) -> None:
    with pytest.raises(ConfigError, match="must be a reference"):
        Config().secret(reference)


def test_sockets_go_to_a_short_folder_when_data_dir_is_deep() -> None:
    shallow = Config(store=Store(data_dir=Path("/srv/keystall")))
    deep = Config(store=Store(data_dir=Path("/srv") / ("deep" * 30)))

    assert shallow.engine_sockets == Path("/srv/keystall/run")
    assert shallow.vault_socket == Path("/srv/keystall/vault/vault.sock")
    assert deep.engine_sockets.is_relative_to("/tmp")
    assert len(str(deep.engine_sockets / ".s.PGSQL.5432")) <= 107
    assert len(str(deep.vault_socket)) <= 107
    assert deep.engine_sockets != Config(store=Store(data_dir=Path("/srv") / ("deep" * 31))).engine_sockets


def test_the_name_of_a_variable_follows_the_setting() -> None:
    assert variable("database.roles.shop") == "KEYSTALL_DATABASE__ROLES__SHOP"
