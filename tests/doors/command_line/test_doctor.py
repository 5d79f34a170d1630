"""`doctor`: everything in order, or each defect named with its mend."""

import re
import socket
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core.config import Config, Store, Web
from ops.doctor.pages import card_page
from ops.installation import Kind
from ops.store import be_of_kind, bring_up_to_date
from tests.support.command_line import Command, free_port

MERCHANT = "INSERT INTO party (kind, code, names, is_default, created_at) VALUES ('merchant', 'm', '{}', true, now())"
GATEWAY = (
    "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
    " SELECT repeat('g', 16), 'real', id, 'CNY', '{}', now() FROM party WHERE is_default"
)


def test_doctor_finds_everything_in_order_and_exits_0(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)
    with psycopg.connect(fresh.database.url) as connection:
        connection.execute(MERCHANT)
        connection.execute(GATEWAY)

    status, out, err = command(fresh, "doctor")

    assert (status, err) == (0, "")
    assert out.endswith("Everything is in order.\n")
    assert "DEFECT" not in out
    assert "LOOK" not in out
    assert {line.split()[1] for line in out.splitlines()[:-1]} == {
        "settings", "folder", "machine", "packages", "tls", "database", "server", "clock", "schema", "keys", "redis",
        "vault", "ports", "shop", "gateways", "review", "task", "pages", "mail", "sms", "alerts", "backups",
    }  # fmt: skip


def test_doctor_says_that_a_real_store_has_nobody_who_sells_and_no_way_to_pay(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)

    status, out, _ = command(fresh, "doctor")

    assert status == 0
    assert "LOOK    shop       there is no default merchant: the shop shows nothing" in out
    assert "LOOK    gateways   no gateway takes real money: nothing can be paid" in out
    assert out.endswith("No defects; to look at: 2.\n")


def test_doctor_of_a_demo_knows_that_the_sandbox_is_on(command: Command, fresh: Config) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.DEMO)

    out = command(fresh, "doctor")[1]

    assert re.search(r"ok      gateways   the sandbox is on", out), out


def test_doctor_of_an_empty_folder_makes_nothing(command: Command, data_dir: Path) -> None:
    empty = Config(store=Store(data_dir=data_dir / "new"))

    status, out, _ = command(replace(empty, web=replace(empty.web, port=free_port(), ops_port=free_port())), "doctor")

    assert status == 0
    assert "not made yet" in out
    assert not (data_dir / "new").exists()


@pytest.mark.parametrize(
    ("damage", "defect"),
    [
        ("key", r"DEFECT  keys       vault\.audit_key: the key file .*audit\.key is missing: put it back"),
        ("pair", r"DEFECT  keys       vault\.private_key does not belong to vault\.public_key: put both back"),
        ("mode", r"DEFECT  keys       vault\.link_key: .* can be read by other users: chmod 600"),
        ("folder", r"DEFECT  keys       other users may look into .*/keys: chmod 700 "),
        ("schema", r"DEFECT  schema     1 migrations are missing, first \d{4}_\w+\.sql: run `python run\.py migrate`"),
        ("redis", r"DEFECT  redis      Redis at 127\.0\.0\.1:1 does not answer"),
        ("role", r"DEFECT  database   the login of database\.roles\.panel is superuser or owner: give the role"),
        ("port", r"DEFECT  ports      127\.0\.0\.1:\d+ is in use, but not by this store: free it, or set web\.port"),
        ("sandbox", r"DEFECT  gateways   the sandbox works in a demo database only: set pay\.sandbox\.enabled = false"),
    ],
)
def test_doctor_names_each_defect_with_its_mend(command: Command, fresh: Config, damage: str, defect: str) -> None:
    bring_up_to_date(fresh)
    be_of_kind(fresh, Kind.PRODUCTION)

    with socket.socket() as other:
        status, out, _ = command(damaged(fresh, damage, other), "doctor")

    assert status == 1
    assert re.search(defect, out), out
    assert out.endswith("1 defects.\n")


def damaged(config: Config, damage: str, other: socket.socket) -> Config:
    """The store with one thing broken; a wrong address is broken in every place that needs it."""
    match damage:
        case "key":
            (config.keys_dir / "audit.key").unlink()
        case "pair":
            (config.keys_dir / "vault.pub").write_bytes(bytes(range(256)))
        case "mode":
            (config.keys_dir / "link.key").chmod(0o640)
        case "folder":
            config.keys_dir.chmod(0o750)
        case "schema":
            with psycopg.connect(config.database.url) as connection:
                last = "DELETE FROM schema_migration WHERE name = (SELECT max(name) FROM schema_migration)"
                connection.execute(last)
        case "redis":
            return replace(config, redis=replace(config.redis, url="redis://127.0.0.1:1/0"))
        case "role":
            roles = replace(config.database.roles, panel=config.database.url)
            return replace(config, database=replace(config.database, roles=roles))
        case "port":
            other.bind((config.web.host, config.web.port))
            other.listen()
        case "sandbox":
            return replace(config, pay=replace(config.pay, sandbox=replace(config.pay.sandbox, enabled=True)))
    return config


def test_doctor_says_where_cards_are_opened_and_whether_that_is_the_shops_own_origin() -> None:
    def said(**web: str) -> tuple[str, bool]:
        return card_page(Config(web=Web(**web)))

    assert said() == ("it shares the shop's origin, on this machine's own loopback: for trying out", False)
    assert said(public_url="https://shop.example")[0].startswith("it shares the shop's origin: ")
    assert said(public_url="https://shop.example", page_url="https://shop.example:8443")[1] is True
    assert said(public_url="http://shop.example")[0].startswith("browsers open cards over https only")
    assert said(public_url="https://shop.example", page_url="https://cards.example/") == (
        "at an origin of its own, https://cards.example",
        False,
    )
