"""The pages of those who run the installation."""

from __future__ import annotations

from flask import Blueprint

from admin.platform import approvals, credit, entry, health, jobs, making, parties


def platform() -> list[Blueprint]:
    """Every page of this room that is no list."""
    return [
        approvals.pages,
        making.pages,
        parties.pages,
        credit.pages,
        entry.pages,
        health.pages,
        jobs.pages,
    ]
