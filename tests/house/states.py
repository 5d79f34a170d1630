"""Draws docs/states.md from the transitions in the code: `python -m tests.house.states`.

A dict called SOMETHING_TRANSITIONS in a room's module is the life of something; a state's meaning is the comment behind
its member.
"""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import ModuleType

from tests.house.tree import ROOT, files, shown

PAGE = ROOT / "docs/states.md"
Transitions = Mapping[StrEnum, frozenset[StrEnum]]
MEMBER = re.compile(r"^\s+([A-Z_]+) = \"[^\"]+\"(?:  # (.+))?$", re.MULTILINE)
HEAD = """# Life of each thing

Drawn by `make docs` from the dicts in the code, so it is what the store does. Each change is a conditional UPDATE whose
row count is checked; a change that is not drawn here is refused (INV-O1).
"""


def lives() -> Iterator[tuple[str, str, Transitions]]:
    """Each `(thing, module, transitions)` of the core, in the order of the rooms' names."""
    for path in files(".py"):
        name = shown(path)
        if not name.startswith("core/") or "_TRANSITIONS" not in path.read_text(encoding="utf-8"):
            continue
        module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
        for constant in _defined(module):
            yield constant.removesuffix("_TRANSITIONS").replace("_", " ").lower(), name, getattr(module, constant)


def _defined(module: ModuleType) -> list[str]:
    return re.findall(r"^([A-Z_]+_TRANSITIONS)\b[^=\n]*= ", inspect.getsource(module), re.MULTILINE)


def meanings(states: type[StrEnum]) -> dict[str, str]:
    """Member name -> the comment behind it."""
    return {member: comment or "" for member, comment in MEMBER.findall(inspect.getsource(states))}


def drawn() -> str:
    """The whole page."""
    parts = [HEAD]
    for thing, module, transitions in lives():
        kind = type(next(iter(transitions)))
        said = meanings(kind)
        arrows = [f"    {state} --> {after}" for state in kind for after in kind if after in transitions[state]]
        starts = [state for state in kind if not any(state in after for after in transitions.values())]
        room = module.split("/")[1]
        parts += [f"\n## {thing.capitalize()}, in {room}", f"`{module}`\n", "```mermaid", "stateDiagram-v2"]
        parts += [f"    [*] --> {state}" for state in starts or [next(iter(kind))]]
        parts += [*arrows, "```", "", "| state | meaning | then |", "|---|---|---|"]
        for state in kind:
            following = ", ".join(after for after in kind if after in transitions[state]) or "the end"
            parts.append(f"| {state} | {said.get(state.name, '')} | {following} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(drawn(), encoding="utf-8")
    print("docs/states.md: drawn")
