"""The tree keeps the rules of the house, and each rule can fail."""

import ast
import re
import tomllib

import pytest

from tests.house import rules, secrets
from tests.house.check import findings
from tests.house.tree import ROOT, modules, shown

REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?==([0-9][A-Za-z0-9.]*)$")


def test_the_tree_keeps_every_rule_of_the_house():
    assert findings() == []


def test_no_part_of_the_store_imports_a_reader_that_runs_what_it_reads():
    found = [shown(path) for path, _, tree in modules(product_only=True) if list(rules.unsafe_readers(tree))]

    assert found == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.length_of_functions, "def long():\n" + "    step()\n" * 46),
        (rules.stubs, "def later():\n    raise NotImplementedError"),
        (rules.swallowed_errors, "try:\n    pay()\nexcept Exception:\n    pass"),
        (rules.swallowed_errors, "try:\n    pay()\nexcept:\n    pass"),
        (rules.floats, "price = float(text)"),
        (rules.unsafe_readers, "import pickle"),
        (rules.unsafe_readers, "from pickle import loads"),
        (rules.purpose, "import os"),
        (rules.comparisons_of_secrets, "ok = signature == expected"),
        (rules.comparisons_of_secrets, "ok = row.access_token != given"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule, source):
    assert len(list(rule(ast.parse(source)))) == 1


def test_a_literal_and_an_open_part_of_a_secret_may_be_compared():
    tree = ast.parse("a = token == ''\nb = token_kind == kind\nc = hmac.compare_digest(mac, other)")

    assert list(rules.comparisons_of_secrets(tree)) == []


def test_a_long_file_an_unfinished_line_and_a_machine_path_are_found():
    assert [line for line, _ in rules.length_of_the_file("x\n" * 321)] == [321]
    assert list(rules.length_of_the_file("x\n" * 320)) == []
    assert [line for line, _ in rules.unfinished_work("fine\nx = 1  # TODO later")] == [2]
    assert [line for line, _ in rules.machine_paths("see /home/someone/shop")] == [1]
    assert list(rules.machine_paths("GET /admin/home/orders")) == []


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN EC PRIVATE KEY-----",
        'bot = "123456789:AAGk3hEr9Zq0pLw7xYcVbN1mQs5tUuEoIiR"',
        'session_token = "q8Zr3kWv9LmX2sTb7YnC4dJf"',
        "postgresql://shop:h7Gk2pQz9w@db.internal/keystall",
    ],
)
def test_a_committed_credential_is_found(line):
    assert len(list(secrets.findings(line))) == 1
    assert list(secrets.findings(f"{line}  # {secrets.ALLOWED}")) == []


def test_placeholders_and_references_are_no_credentials():
    text = (
        'token = "env:TG_TOKEN"\npassword = "change-me-change-me-change"\nurl = "postgresql://shop:{password}@host/db"'
    )

    assert list(secrets.findings(text)) == []


def test_every_requirement_is_pinned_to_one_exact_version():
    loose = []
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r ")) and not REQUIREMENT.match(line):
                loose.append(f"{name}: {line}")

    assert loose == []


def test_every_direct_dependency_has_its_reason_written_down():
    pins = (ROOT / "requirements.txt").read_text().partition("# what the above need")[0]
    names = [match[1].lower() for line in pins.splitlines() if (match := REQUIREMENT.match(line))]
    reasons = (ROOT / "docs/adr/0002-dependencies.md").read_text().lower()

    assert len(names) > 10
    assert [name for name in names if name not in reasons] == []


def test_types_are_strict_where_the_store_decides():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]

    assert settings["strict"] is True
    assert {"core", "bot"} <= set(settings["files"])
    assert not any(name.startswith("bot") for each in settings["overrides"] for name in each["module"])


def test_no_part_of_the_store_compares_a_secret_byte_by_byte():
    """Fault 95: signatures, tokens and codes are compared with hmac.compare_digest, so that time tells nothing."""
    found = [shown(path) for path, _, tree in modules(product_only=True) if list(rules.comparisons_of_secrets(tree))]

    assert found == []
