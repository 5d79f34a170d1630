"""The command line: one Typer application, its commands one file each in ops/commands, errors as one line.

Exit status: 0 done, 1 checked and found defects, 2 cannot be done (the line says why and the mend), 130 interrupted.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from core.config import ConfigError
from core.errors import Refusal, error_id
from ops import commands

HELP = """Keystall: a chat storefront for digital goods.

Every command takes --config FILE and --debug, before or after its name; every setting can be given as
KEYSTALL_SECTION__KEY in the environment too."""
ORDER = (
    "demo", "up", "restart", "upgrade", "init", "migrate", "doctor", "verify", "import", "imports", "contested",
    "batch", "recall", "trace", "review", "task", "membership", "race", "bench", "keys", "audit", "backup", "restore",
    "channel", "gateway", "staff", "trade", "supplier", "vetting", "payout", "reports", "doubles",
)  # fmt: skip
_USAGE_ERROR = typer.BadParameter.__mro__[2]  # ClickException of the click that this Typer brings
_NO_WORD = ("NoArgsIsHelpError", "Missing command.")  # how that click says that a group was named without a command


def build() -> typer.Typer:
    """The application with every command of ops/commands."""
    app = typer.Typer(
        name="keystall", help=HELP, add_completion=False, rich_markup_mode=None,
        pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(settings)
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"ops.commands.{found.name}")
        if hasattr(module, "register"):  # else it joins the command that it is a part of
            module.register(app)
    rank = {name: place for place, name in enumerate(ORDER)}
    for registered in (app.registered_commands, app.registered_groups):
        registered.sort(key=lambda one: rank.get(one.name or "", len(rank)))
    return app


def settings(
    context: typer.Context,
    config: Path | None = typer.Option(None, "--config", metavar="FILE", help="The settings (default config.toml)."),
    debug: bool = typer.Option(False, "--debug", help="Show a traceback where something fails."),
) -> None:
    """Keep what every command needs; nothing is read before a command runs."""
    context.obj = config


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = build()(globals_first(given), standalone_mode=False, prog_name="python run.py")
        return status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return 130
    except typer.Abort:
        return _refuse("stopped: nothing was changed", 130)
    except Exception as error:  # noqa: BLE001 (the one place where what nobody caught becomes a line and an id)
        if "--debug" in given:
            traceback.print_exc()
        return _refuse(_sentence(error), 2)


def globals_first(given: Sequence[str]) -> list[str]:
    """Move --config FILE and --debug before the command, so that they may stand anywhere."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--debug" or word.startswith("--config="):
            first.append(word)
        elif word == "--config":
            first += [word, *(value for value in [next(words, None)] if value is not None)]
        else:
            rest.append(word)
    return first + rest


def _sentence(error: Exception) -> str:
    if isinstance(error, _USAGE_ERROR):
        if type(error).__name__ == _NO_WORD[0] or error.format_message() == _NO_WORD[1]:  # type: ignore[attr-defined]
            return _wanted(error.ctx)  # type: ignore[attr-defined]
        said = error.format_message().partition(", unable to parse")[0]  # type: ignore[attr-defined]
        return f"{said.rstrip('.')}. See `python run.py --help`."
    if isinstance(error, ConfigError | Refusal):
        return str(error)
    if isinstance(error, OSError):
        place = f" {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{place}: mend that and try again ({error_id()})"
    return f"something unexpected went wrong ({type(error).__name__}, {error_id()}): try again with --debug"


def _wanted(context: typer.Context) -> str:
    """What may follow the name of a group."""
    path = context.command_path.removeprefix("python run.py").strip()
    if not path:
        return "the command is missing: `python run.py --help` lists them."
    names = ", ".join(context.command.list_commands(context))  # type: ignore[attr-defined]
    return f"`{path}` wants one of {names}. See `python run.py {path} --help`."


def _refuse(sentence: str, status: int) -> int:
    line = " ".join(sentence.split())
    print(f"keystall: {line}", file=sys.stderr)
    return status
