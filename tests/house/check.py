"""Runs every rule over the tree: `python -m tests.house` prints what it finds, the tests assert that it is nothing."""

from collections.abc import Iterator

from tests.house import rules, secrets
from tests.house.tree import files, is_product, modules, shown

TEXTS = (".py", ".md", ".toml", ".sql", ".js", ".css", ".html", ".jinja", ".json", ".txt", ".yml", ".sh", "")
OWN_WORDS = "tests/house/"  # names the forbidden words in order to forbid them


def of_python() -> Iterator[str]:
    """The rules for Python files."""
    for path, text, tree in modules():
        name = shown(path)
        found = [*rules.length_of_the_file(text), *rules.length_of_functions(tree)]
        found += [*rules.swallowed_errors(tree), *rules.empty_names(path.stem, tree)]
        found += rules.purpose(tree)
        if not name.startswith(OWN_WORDS):
            found += rules.stubs(tree)
        if name.startswith("core/"):
            found += rules.floats(tree)
        if is_product(path):
            found += [*rules.comparisons_of_secrets(tree), *rules.unsafe_readers(tree)]
        yield from (f"{name}:{line}: {what}" for line, what in found)


def of_texts() -> Iterator[str]:
    """The rules for everything that a person can read."""
    for path in files(*TEXTS):
        name = shown(path)
        if name.startswith(OWN_WORDS):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a sample in another encoding
        found = [*rules.unfinished_work(text), *rules.machine_paths(text), *secrets.findings(text)]
        yield from (f"{name}:{line}: {what}" for line, what in found)


def findings() -> list[str]:
    """Everything found, as `path:line: what`."""
    return [*of_python(), *of_texts()]
