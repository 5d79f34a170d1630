"""Settings of mail, SMS and alerts: what is missing is named, what is secret stays a reference of the worker's."""

from pathlib import Path

import pytest

from core.config import Alerts, Config, ConfigError, Mail, Sms, Store
from core.config.loading import load
from ops.isolation.entitlements import ENTITLEMENTS, closed_paths, environment_of, keys_in_memory

MAIL = '[mail]\nhost = "smtp.example.com"\n'
SMS = (
    '[sms]\naccess_key_id = "i"\nsign_name = "s"\ncards_template = "1"\ncode_template = "2"\nprovider = "{provider}"\n'
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (MAIL, "mail.sender '' must be an address such as shop@example.com"),
        (MAIL + 'sender = "shop"\n', "mail.sender 'shop' must be an address such as shop@example.com"),
        (MAIL + 'security = "ssl"\n', "mail.security 'ssl' must be starttls or tls, or none on this machine"),
        (
            MAIL + 'security = "none"\nsender = "a@b.co"\n',
            "mail.security = none sends letters and password in clear: set starttls or tls",
        ),
        (
            '[mail]\npassword = "hunter2"\n',
            "mail.password must be a reference: env:NAME or file:/path, never the secret itself",
        ),
        ("[mail]\nport = 0\n", "mail.port is 0: it must be from 1 to 65535"),
        ('[sms]\nprovider = "twilio"\n', "sms.provider 'twilio' must be aliyun or tencent, or empty for none"),
        ('[sms]\nprovider = "aliyun"\n', "sms.access_key_id is empty: aliyun needs it, see config.toml"),
        (SMS.format(provider="tencent"), "sms.app_id is empty: tencent needs it, see config.toml"),
        (
            SMS.format(provider="aliyun") + 'cards_params = ["secret"]\n',
            "sms.cards_params may name order, code, shop only",
        ),
        (
            SMS.format(provider="aliyun") + 'code_params = ["minutes"]\n',
            "sms.code_params must name code: a message without it confirms nothing",
        ),
        (
            SMS.format(provider="aliyun") + 'endpoint = "sms.example.com"\n',
            "sms.endpoint 'sms.example.com' must be https:// and a host, without a path",
        ),
        (
            SMS.format(provider="aliyun") + 'endpoint = "http://sms.example.com"\n',
            "sms.endpoint must start with https://: keys and numbers never go in clear",
        ),
        (
            SMS.format(provider="aliyun") + 'endpoint = "http://127.0.0.1:9"\n[web]\nhost = "0.0.0.0"\n',
            "sms.endpoint may be on loopback only while web.host is: leave it empty",
        ),
        (
            '[alerts]\nurls = ["dingding://token"]\n',
            "alerts.urls[0] must be a reference: env:NAME or file:/path, never the secret itself",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_mend(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")

    with pytest.raises(ConfigError) as refused:
        load(file, {})

    assert str(refused.value) == sentence


def test_what_is_complete_is_taken_and_a_double_on_loopback_while_the_shop_is_too(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(MAIL + 'sender = "shop@example.com"\n' + SMS.format(provider="aliyun")
                    + 'endpoint = "http://127.0.0.1:9"\n', "utf-8")  # fmt: skip

    config = load(file, {})

    assert (config.mail.sender, config.sms.endpoint) == ("shop@example.com", "http://127.0.0.1:9")


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("MAIL_PASSWORD", "mail-canary")
    monkeypatch.setenv("ALERT_ONE", "json://alert-canary")
    (tmp_path / "sms.secret").write_text("sms-canary\n")
    (tmp_path / "alert.url").write_text("json://two\n")
    return Config(
        store=Store(data_dir=tmp_path),
        mail=Mail(host="smtp.example.com", sender="a@b.co", username="u", password="env:MAIL_PASSWORD"),
        sms=Sms(access_key_secret="file:sms.secret"),
        alerts=Alerts(urls=("env:ALERT_ONE", "file:alert.url")),
    )


def test_only_the_worker_gets_the_secrets_of_mail_sms_and_alerts(given: Config) -> None:
    """INV-K5: web knows that letters are sent, and has nothing to send one with."""
    for process in ENTITLEMENTS:
        environment = environment_of(process, given)
        has = [name for name in ("MAIL_PASSWORD", "ALERT_ONE") if name in environment]
        config = load(None, environment)

        assert (has == ["MAIL_PASSWORD", "ALERT_ONE"]) == (process == "worker")
        assert config.mail.host == "smtp.example.com"
        references = (config.mail.password, config.sms.access_key_secret, config.alerts.urls)
        wanted = ("env:MAIL_PASSWORD", "file:sms.secret", ("env:ALERT_ONE", "file:alert.url"))
        assert references == (wanted if process == "worker" else ("", "", ()))


def test_their_files_are_closed_to_confined_processes_and_held_by_the_worker(given: Config) -> None:
    held = keys_in_memory("worker", given)

    assert {given.data_dir / "sms.secret", given.data_dir / "alert.url"} <= set(closed_paths(given))
    (given.data_dir / "sms.secret").unlink()
    (given.data_dir / "alert.url").unlink()
    assert held.given_secret(held.sms.access_key_secret).reveal() == b"sms-canary"
    assert [held.given_secret(url).reveal() for url in held.alerts.urls] == [b"json://alert-canary", b"json://two"]
    assert held.mail == given.mail
