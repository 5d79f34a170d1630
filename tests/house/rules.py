"""Rules for one Python file: each takes its text or tree and yields `(line, what is wrong)`."""

import ast
import re
from collections.abc import Iterator

Finding = tuple[int, str]

LINES_OF_A_FILE = 320  # "about 300"
LINES_OF_A_FUNCTION = 45  # "about 40"
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|root|Users|work|opt/pypi)/\w")
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "stuff"}
UNSAFE_READERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle", "joblib"}
SECRET_WORD = re.compile(r"(?:^|_)(signature|hmac|mac|token|password|passwd|secret|otp|sign)(?:$|_)", re.IGNORECASE)
OPEN_PARTS = re.compile(r"_(kind|name|mode|size|len|length|count|state|type|algorithm|id|code|column|version)s?$")


def length_of_the_file(text: str) -> Iterator[Finding]:
    """A file is read in one sitting."""
    lines = text.count("\n")
    if lines > LINES_OF_A_FILE:
        yield lines, f"{lines} lines; split it at about 300"


def length_of_functions(tree: ast.Module) -> Iterator[Finding]:
    """A function fits a screen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                yield node.lineno, f"{node.name} has {lines} lines; split it at about 40"


def unfinished_work(text: str) -> Iterator[Finding]:
    """What is committed is finished."""
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield number, f"unfinished: {line.strip()[:60]}"


def machine_paths(text: str) -> Iterator[Finding]:
    """Nothing in the repository knows on whose machine it was written."""
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            yield number, f"a path of one machine: {line.strip()[:60]}"


def stubs(tree: ast.Module) -> Iterator[Finding]:
    """Nothing stands in for what is not there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc):
            yield node.lineno, "NotImplementedError: build it or leave it out"


def swallowed_errors(tree: ast.Module) -> Iterator[Finding]:
    """An error that anything could be is never passed over in silence."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
        if broad and all(isinstance(step, ast.Pass | ast.Continue) for step in node.body):
            yield node.lineno, "every error swallowed"


def floats(tree: ast.Module) -> Iterator[Finding]:
    """INV-M9: no float where money could be."""
    for node in ast.walk(tree):
        called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if called in {"float", "FloatField", "DoubleField"}:
            yield node.lineno, f"{called} in core"


def unsafe_readers(tree: ast.Module) -> Iterator[Finding]:
    """Queue rows, caches and files are untrusted: nothing that runs what it reads is imported."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in UNSAFE_READERS:
                yield node.lineno, f"import of {name}"


def empty_names(name: str, tree: ast.Module) -> Iterator[Finding]:
    """A name says what a thing is; `utils` says that nobody knew."""
    if name in EMPTY_NAMES:
        yield 1, f"a module called {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?|Misc|Info)$", node.name):
            yield node.lineno, f"a class called {node.name}"


def purpose(tree: ast.Module) -> Iterator[Finding]:
    """A module's first line says why it exists."""
    if tree.body and not (ast.get_docstring(tree) or "").strip():
        yield 1, "no docstring that says why this module exists"


def comparisons_of_secrets(tree: ast.Module) -> Iterator[Finding]:
    """Fault 95: what an attacker could guess byte by byte is compared with hmac.compare_digest."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides):
            continue  # a literal is no secret
        for side in sides:
            name = side.attr if isinstance(side, ast.Attribute) else side.id if isinstance(side, ast.Name) else ""
            if name in {"", "secret"} or name.isupper():
                continue  # a bare `secret` is a column, or a Secret, whose == takes constant time
            if SECRET_WORD.search(name) and not OPEN_PARTS.search(name):
                yield node.lineno, f"{name} compared with ==; use hmac.compare_digest"
