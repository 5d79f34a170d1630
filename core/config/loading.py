"""Builds the Config from a TOML file and KEYSTALL_SECTION__KEY variables; refuses what it does not know."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from core.config import Config, ConfigError
from core.config.rules import check

PREFIX = "KEYSTALL_"


def load(file: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings: defaults, then the file, then the environment.

    A relative data_dir starts at the file's folder, one from the environment at the working directory.
    Raises ConfigError with one line that names the setting.
    """
    values = _read_file(file) if file else {}
    where = f"in {file}" if file else ""
    known = dict(_settings(Config))
    flat = _flatten(values, (), known, where)
    if file and "store.data_dir" in flat:
        flat["store.data_dir"] = str(file.absolute().parent / str(flat["store.data_dir"]))
    elif file:
        flat["store.data_dir"] = str(file.absolute().parent / "var")
    for name, text in _from_environment(environ, known).items():
        flat[name] = str(Path(text).absolute()) if name == "store.data_dir" else _parse(name, text, known[name])
    config: Config = _build(Config, "", flat)
    check(config)
    return config


def as_environment(config: Config) -> dict[str, str]:
    """The settings as KEYSTALL_ variables, so that `load(None, …)` in another process gives an equal Config."""
    variables = {}
    for name in dict(_settings(Config)):
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part)
        variables[variable(name)] = json.dumps(value) if isinstance(value, tuple | bool) else str(value)
    return variables


def variable(name: str) -> str:
    """The environment variable of a setting: `database.roles.shop` is KEYSTALL_DATABASE__ROLES__SHOP."""
    return PREFIX + name.upper().replace(".", "__")


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the configuration file {file} does not exist: give its path with --config") from None
    except IsADirectoryError:
        raise ConfigError(f"{file} is a folder: give the path of a file with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration file {file} is not valid TOML: {error}") from None


def _settings(section: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting's dotted name and type."""
    hints = get_type_hints(section)
    for item in dataclasses.fields(section):
        kind = hints[item.name]
        if dataclasses.is_dataclass(kind):
            yield from _settings(kind, f"{prefix}{item.name}.")  # type: ignore[arg-type]
        else:
            yield prefix + item.name, kind


def _flatten(table: Mapping[str, Any], path: tuple[str, ...], known: Mapping[str, Any], where: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        name = ".".join((*path, key))
        if name in known:
            flat[name] = _typed(name, value, known[name])
        elif any(other.startswith(name + ".") for other in known):
            if not isinstance(value, dict):
                raise ConfigError(f"{name} is a section {where}: write it as [{name}] with its settings below")
            flat |= _flatten(value, (*path, key), known, where)
        else:
            raise ConfigError(_unknown(name, known, where))
    return flat


def _unknown(name: str, known: Mapping[str, Any], where: str) -> str:
    sections = {other.rpartition(".")[0] for other in known}
    candidates = [*known, *sections]
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.5)
    if not near:
        last = name.rpartition(".")[2]
        near = [other for other in known if other.endswith("." + last)][:1]
    mend = f"did you mean {near[0]}?" if near else "see config.toml for all settings"
    return " ".join(f"unknown setting {name} {where}: {mend}".split()).replace(" :", ":")


def _typed(name: str, value: Any, kind: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return value
    if kind == tuple[str, ...] and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ConfigError(f"{name} must be {_article(kind)}, not {json.dumps(value, default=str)}")


def _article(kind: Any) -> str:
    names = {int: "a whole number", bool: "true or false", str: "a text in quotes", Path: "a text in quotes"}
    return names.get(kind, "a list of texts")


def _from_environment(environ: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, str]:
    names = {variable(name): name for name in known}
    loose = {text.replace("__", "_"): text for text in names}
    found = {}
    for text, value in environ.items():
        if text in names:
            found[names[text]] = value
        elif text.startswith(PREFIX) and "__" in text:
            raise ConfigError(_unknown(text[len(PREFIX) :].lower().replace("__", "."), known, f"(variable {text})"))
        elif text in loose:
            raise ConfigError(f"unknown variable {text}: did you mean {loose[text]}?")
    return found


def _parse(name: str, text: str, kind: Any) -> Any:
    """A variable's text as the setting's type: JSON or comma-separated lists, true/false/1/0, whole numbers."""
    if kind is bool:
        words = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }
        return _typed(name, words.get(text.strip().lower(), text), bool)
    if kind is int:
        plain = text.strip()
        return _typed(name, int(plain) if plain.isascii() and plain.removeprefix("-").isdigit() else text, int)
    if kind == tuple[str, ...]:
        if not text.lstrip().startswith("["):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        try:
            return _typed(name, json.loads(text), kind)
        except json.JSONDecodeError:
            raise ConfigError(f"{name} must be a list of texts, not {text}") from None
    return text


def _build(section: type, prefix: str, flat: Mapping[str, Any]) -> Any:
    hints = get_type_hints(section)
    arguments: dict[str, Any] = {}
    for item in dataclasses.fields(section):
        name = prefix + item.name
        kind = hints[item.name]
        if dataclasses.is_dataclass(kind):
            arguments[item.name] = _build(kind, name + ".", flat)  # type: ignore[arg-type]
        elif name in flat:
            arguments[item.name] = Path(flat[name]) if kind is Path else flat[name]
    return section(**arguments)
