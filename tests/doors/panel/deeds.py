"""Every deed that the source can write into the audit, read out of it: literals, constants, SQL and composed names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = ("core", "ops", "channels", "admin", "bot")
DEED = re.compile(r"[a-z_]+\.[a-z_]+")
IN_SQL = re.compile(r"'([a-z_]+\.[a-z_]+)'")
WRITES = "INSERT INTO audit_entry"

COMPOSED = {
    "{kind}.created": {"product.created", "sku.created", "listing.created"},
    "{kind}.{done}": {
        f"{kind}.{done}" for kind in ("product", "sku", "listing") for done in ("archived", "brought_back")
    },
    "batch.{to.value}": {"batch.selling", "batch.locked", "batch.recalled"},
    "supplier_account.{('on' if enabled else 'off')}": {"supplier_account.on", "supplier_account.off"},
    "chat_account.{('enabled' if enabled else 'disabled')}": {"chat_account.enabled", "chat_account.disabled"},
    "gateway_account.{('enabled' if enabled else 'disabled')}": {"gateway_account.enabled", "gateway_account.disabled"},
    "'order.' || %(state)s": {"order.expired", "order.cancelled"},
}
"""Names that are put together, as the source says it; another one is not known here and fails the test."""


class Source:
    """One module: what its names stand for, and where they come from."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.taken = {
            name.asname or name.name: (node.module, name.name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for name in node.names
        }
        self.set: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.set.setdefault(target.id, []).append(node.value)
        self.functions = {
            node.name: [one.arg for one in node.args.args]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef)
        }

    def arguments_of(self, name: str) -> list[str]:
        """The parameters of a function of this module, or of one that it takes from another."""
        if name in self.functions:
            return self.functions[name]
        module, real = self.taken.get(name, ("", ""))
        there = _module(module)
        return there.functions.get(real, []) if there else []

    def deeds(self, value: ast.expr) -> Iterator[str]:
        """What an expression in the place of a deed may be."""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.IfExp):
            yield from (*self.deeds(value.body), *self.deeds(value.orelse))
        elif isinstance(value, ast.JoinedStr):
            said = ast.unparse(value)[2:-1]
            if "/" not in said:  # else the address of a form
                yield from COMPOSED[said]
        elif isinstance(value, ast.Name) and value.id in self.set:
            for one in self.set[value.id]:
                yield from self.deeds(one)
        elif isinstance(value, ast.Name) and value.id in self.taken:
            module, real = self.taken[value.id]
            there = _module(module)
            if there:
                yield from there.deeds(ast.Name(real))

    def sql_of(self, value: ast.expr) -> str:
        """A statement that a name stands for."""
        if isinstance(value, ast.Name) and value.id in self.set:
            return ast.unparse(self.set[value.id][0])
        if isinstance(value, ast.Name) and value.id in self.taken:
            module, real = self.taken[value.id]
            there = _module(module)
            return there.sql_of(ast.Name(real)) if there else ""
        return ""

    def written(self) -> Iterator[str]:
        """Every deed of this module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield from self._called(node)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "action":
                        yield from self.deeds(value)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITES in node.value:
                yield from _in_sql(node.value)
            elif isinstance(node, ast.JoinedStr) and WRITES in ast.unparse(node):
                yield from _in_sql(ast.unparse(node))

    def _called(self, call: ast.Call) -> Iterator[str]:
        for keyword in call.keywords:
            if keyword.arg == "action":
                yield from self.deeds(keyword.value)
        if isinstance(call.func, ast.Attribute):
            called = call.func.attr if isinstance(call.func.value, ast.Name) and call.func.value.id == "self" else ""
            named = [name for name in self.functions.get(called, ()) if name != "self"]
        elif isinstance(call.func, ast.Name):
            called, named = call.func.id, self.arguments_of(call.func.id)
        else:
            return
        if "action" in named and len(call.args) > named.index("action"):
            yield from self.deeds(call.args[named.index("action")])
        if called == "execute" and call.args and WRITES in self.sql_of(call.args[0]):
            for node in (one for argument in call.args[1:] for one in ast.walk(argument)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def _in_sql(statement: str) -> Iterator[str]:
    yield from IN_SQL.findall(statement)
    for said, deeds in COMPOSED.items():
        if said in statement:
            yield from deeds


@cache
def _module(name: str) -> Source | None:
    path = ROOT.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if name and file.is_file():
            return Source(file)
    return None


def _in_migrations() -> Iterator[str]:
    """What functions of the database write into the audit: the literals of such a statement, up to its FROM."""
    for file in sorted((ROOT / "ops" / "migrations").glob("*.sql")):
        for statement in re.findall(r"INSERT INTO (?:public\.)?audit_entry.*?FROM", file.read_text("utf-8"), re.DOTALL):
            yield from IN_SQL.findall(statement)


def written_deeds() -> set[str]:
    """Every deed of the source."""
    files = sorted(file for folder in HERE for file in (ROOT / folder).rglob("*.py"))
    found = {deed for file in files for deed in Source(file).written() if DEED.fullmatch(deed)}
    return found | set(_in_migrations())


def written_kinds() -> set[str]:
    """Every kind of thing that a call names."""
    files = [file for folder in HERE for file in sorted((ROOT / folder).rglob("*.py"))]
    calls = [node for file in files for node in ast.walk(Source(file).tree) if isinstance(node, ast.Call)]
    said = [one.value for call in calls for one in call.keywords if one.arg == "object_kind"]
    return {one.value for one in said if isinstance(one, ast.Constant)}
