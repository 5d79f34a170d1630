"""What the sandbox sends when it was paid, and a worker that does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from core.config import Config
from core.ids import new_id
from core.vault.notices import SandboxNotice, sandbox_private_key, sign_notice
from tests.support.pages import form_of

ACCOUNT = "sandbox-account-0001"


def a_notice(
    config: Config, payment: UUID, *, minor: int = 2500, account: str = ACCOUNT
) -> tuple[bytes, dict[str, str]]:
    """What the sandbox sends when it was paid."""
    key = sandbox_private_key(config.secret(config.secrets.act_key).reveal())
    notice = SandboxNotice(
        account=account, transaction=str(new_id()), kind="paid", payment=str(payment),
        amount_minor=minor, currency="CNY", at=int(datetime.now(UTC).timestamp()),
    )  # fmt: skip
    return sign_notice(key, notice)


def until(sql: Callable[..., list[tuple[Any, ...]]], statement: str) -> list[tuple[Any, ...]]:
    """What a question finds once it finds anything; asked for 10 s."""
    end = time.monotonic() + 10
    while not (rows := sql(statement)):
        assert time.monotonic() < end, statement
        time.sleep(0.02)
    return rows


def pay_what_comes(url: str, sql: Callable[..., list[tuple[Any, ...]]], config: Config) -> None:
    """Wait for a payment and send its notice, as the worker does when the button was pressed."""
    rows = until(sql, "SELECT id, amount_minor FROM payment WHERE state IN ('created', 'pending')")
    body, headers = a_notice(config, rows[0][0], minor=rows[0][1])
    httpx.post(f"{url}/hooks/pay/sandbox/{ACCOUNT}", content=body, headers=headers, trust_env=False)


def paid(http: httpx.Client, path: str, sql: Callable[..., list[tuple[Any, ...]]], config: Config) -> httpx.Response:
    """Press the sandbox's button of a page while a worker is there; the page was read before the worker could pay."""
    fields = form_of(http.get(path).text, "sandbox-pay")
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(pay_what_comes, str(http.base_url).rstrip("/"), sql, config)
        answer = http.post(path, data=fields)
        working.result()
    return answer
