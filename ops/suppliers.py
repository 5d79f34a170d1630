"""Wires the worker to suppliers' systems: an account's sealed credentials, the one egress, the clock."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from channels.egress import Egress
from channels.supply.kasushou import Kasushou
from core.config import Config
from core.ports import Supplier
from core.supply.network import opened
from ops.processes.vault_wiring import clock


def egress(config: Config) -> Egress:
    """Public addresses only; loopback as well where the store itself listens there."""
    return Egress(loopback=is_on_loopback(config))


def is_on_loopback(config: Config) -> bool:
    """Whether nobody but this machine reaches the store."""
    if config.web.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(config.web.host).is_loopback
    except ValueError:
        return False


def suppliers(config: Config) -> Callable[[int], Supplier]:
    """The supplier behind an account's number, with what the worker's key opens of it."""
    act_key, way, time = config.secret(config.secrets.act_key), egress(config), clock()

    def of(account_id: int) -> Supplier:
        base, user, key = (opened(account_id, name, act_key=act_key) for name in ("api_base", "user_id", "api_key"))
        return Kasushou(base.reveal().decode(), user.reveal().decode(), key, way, time)

    return of
