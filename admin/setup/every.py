"""The pages by which a merchant opens its shop and sees to its connections."""

from __future__ import annotations

from flask import Blueprint

from admin.channels import connecting, overview, switching
from admin.setup import front, wizard


def setting_up() -> list[Blueprint]:
    """Every page of set-up, settings and connections."""
    return [wizard.pages, front.pages, overview.pages, connecting.pages, switching.pages]
