"""`doubles`: Telegram, WeChat or a supplier without an account: a server that behaves like the platform."""

from __future__ import annotations

import importlib
from enum import StrEnum

import typer

from core.config import ConfigError


class Platform(StrEnum):
    """Which platform is played."""

    TELEGRAM = "telegram"  # the Bot API
    WECHAT = "wechat"  # the official account's platform and its API
    KASUSHOU = "kasushou"  # a supplier's system


PORTS = {Platform.TELEGRAM: 8081, Platform.WECHAT: 8082, Platform.KASUSHOU: 8083}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doubles")(doubles)


def doubles(
    platform: Platform = typer.Argument(..., help="The platform to play."),
    port: int = typer.Option(0, "--port", min=0, max=65535, help="Where it answers (8081, 8082, 8083)."),
) -> None:
    """Play a chat platform or a supplier here, so that a person tries the store without an account. Ctrl-C ends it."""
    from ops.processes.supervisor import StopSignals

    try:
        double = importlib.import_module(f"tests.doubles.{platform}")
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"the doubles belong to the development tools, and {missing.name} is missing here: "
            "install them with `pip install -r requirements-dev.txt` in a copy that has its tests"
        ) from None
    with StopSignals():
        double.serve("127.0.0.1", port or PORTS[platform])
