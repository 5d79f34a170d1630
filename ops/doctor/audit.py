"""What is wrong with the audit's chain, in words; for `audit verify`, and for `doctor`, which does not read it all."""

from __future__ import annotations

from collections.abc import Iterator

from core.config import Config, ConfigError
from core.vault.audit_requests import AuditStanding
from core.vault.client import VaultAway, VaultRefused
from ops.processes.vault_wiring import operators_vault

HOW = {
    "edited": "entry {entry} is the first broken link: it, its link, or what stood right before it was changed",
    "deleted": "entry {entry} is the first broken link: the entry was deleted, its link is still there",
    "inserted": "entry {entry} is the first broken link: it stands among linked entries and was never linked",
    "cut": "entry {entry} was written down outside the database, and is gone or another one now: the tail was cut,"
    " or an older backup was loaded",
}


def sentences(standing: AuditStanding) -> list[str]:
    """What is wrong, a sentence each."""
    found = []
    if standing.first is not None:
        found.append(HOW[standing.first[0]].format(entry=standing.first[1]))
    if standing.altered is not None:
        found.append(f"the files outside the database are not as the vault left them: {standing.altered}")
    if standing.is_late:
        count, first = standing.unlinked, standing.unlinked_first
        found.append(f"{count} entries have been without a link for more than 10 s, the first is {first}")
    return found


def audit_findings(config: Config) -> Iterator[tuple[str, bool]]:
    """For `doctor`, of a store whose vault answers: each sentence, and whether it is a defect."""
    try:
        standing = operators_vault(config).audit_standing()
    except (VaultAway, VaultRefused, ConfigError) as error:
        yield f"the vault does not say how the audit's chain stands ({error}): see its log", True
        return
    for sentence in sentences(standing):
        yield f"{sentence}; `python run.py audit verify` reads it all, the runbook says what to do", True
    if standing.is_sound:
        told = "no entry yet" if standing.head is None else f"linked up to entry {standing.head}"
        yield f"{told}, nothing known to be broken; `audit verify` reads it all", False
