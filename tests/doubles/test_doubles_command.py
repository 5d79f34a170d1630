"""`python run.py doubles`: a platform in the foreground, and one sentence where the development tools are missing."""

import importlib
import signal
import subprocess
import sys

import httpx

from ops.cli import run
from tests.house.tree import ROOT
from tests.support.command_line import free_port


def test_the_telegram_double_says_how_a_store_finds_it_and_ends_with_ctrl_c():
    command = [sys.executable, str(ROOT / "run.py"), "doubles", "telegram", "--port", str(port := free_port())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as double:
        try:
            first = double.stdout.readline()
            page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        finally:
            double.send_signal(signal.SIGINT)
        rest, errors = double.stdout.read(), double.stderr.read()

    assert f"http://127.0.0.1:{port} " in first
    assert page.status_code == 200
    token = next(line for line in rest.splitlines() if "TG_TOKEN=" in line).rpartition("TG_TOKEN=")[2]
    assert len(token.partition(":")[2]) == 35
    assert "python run.py channel add telegram --merchant demo --token env:TG_TOKEN" in rest
    assert (double.returncode, errors) == (130, "")


def test_the_suppliers_double_says_how_a_store_finds_it_and_ends_with_ctrl_c():
    command = [sys.executable, str(ROOT / "run.py"), "doubles", "kasushou", "--port", str(port := free_port())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as double:
        try:
            first = double.stdout.readline()
            answer = httpx.post(f"http://127.0.0.1:{port}/api/v1/goods/info", content=b"{}", trust_env=False)
        finally:
            double.send_signal(signal.SIGINT)
        rest, errors = double.stdout.read(), double.stderr.read()

    assert f"http://127.0.0.1:{port} " in first
    assert answer.json()["code"] == 401
    assert f"supplier add brand1 --api-base http://127.0.0.1:{port} --user-id 10086" in rest
    assert (double.returncode, errors) == (130, "")


def test_without_the_development_tools_one_sentence_says_what_is_missing(monkeypatch, capsys):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name, name="teremok")

    monkeypatch.setattr(importlib, "import_module", _unless("tests.doubles.telegram", missing))

    assert run(["doubles", "telegram"]) == 2
    said = capsys.readouterr().err
    assert "teremok is missing here" in said
    assert "requirements-dev.txt" in said
    assert said.count("\n") == 1


def _unless(name, refuse):
    real = importlib.import_module
    return lambda asked, *more, **named: refuse(asked) if asked == name else real(asked, *more, **named)
