"""Stock by a private chat in Telegram, over the wire: sealed, deleted, imported by vault and worker, and told."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.chat.telegram.api import ApiAway
from channels.chat.telegram.documents import Documents
from channels.chat.telegram.voice import Voice
from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount, change_chat_account
from core.parties.service import Role
from ops.installation import Kind, mark
from ops.processes.supervisor import Supervisor
from tests.builders import NOON, Shop
from tests.doubles.telegram import BotAccount, Seen, TelegramDouble, User
from tests.support.restock import a_code, a_member
from tests.support.telegram import bots_running, last, on_telegram, settled

pytestmark = pytest.mark.slow

EMAIL = "supplier@demo.test"


@pytest.fixture
def settings(tg: TelegramDouble, account: ChatAccount, web_config: Config, goods: Shop) -> Config:
    """A store whose bot takes stock, with a supplier who has a login."""
    mark(web_config.database.url, Kind.TEST, web_config)
    change_chat_account(actor=OPERATOR, account_id=account.id, settings={"restock": True}, now=NOON)
    a_member(goods, goods.a_party("brand1", "supplier"), Role.STOCK)
    return on_telegram(web_config, tg)


@pytest.fixture
def store(settings: Config) -> Iterator[Config]:
    """Its vault and its worker at work, each a process of its own."""
    supervisor = Supervisor(settings, ("vault", "worker"), kind=Kind.TEST)
    try:
        supervisor.start()
        yield settings
    finally:
        supervisor.stop()


@pytest.fixture
def chat(settings: Config) -> Iterator[Config]:
    """Its bot process at work."""
    with bots_running(settings):
        yield settings


def bound(settings: Config, user: User, bot: BotAccount) -> None:
    from core.db import database_now

    user.send(bot, f"员工 {a_code(settings, EMAIL, database_now())}")
    last(user, bot, "已绑定")


def persons(user: User, bot: BotAccount) -> list[str]:
    """What is left of the person's own messages."""
    return [seen.text for seen in user.messages(bot) if not seen.from_bot]


def documents(user: User, bot: BotAccount) -> list[Any]:
    return [seen.document.name for seen in user.messages(bot) if seen.document is not None]


def test_pasted_lines_go_and_the_result_comes(
    store: Config, chat: Config, goods: Shop, bot: BotAccount, user: User
) -> None:
    bound(chat, user, bot)
    user.send(bot, "补货 A1\nNEW-0001\nNEW-0002\nNEW-0002")

    last(user, bot, "收到，正在导入", "已从聊天中删除")
    report = last(user, bot, "A1：新增 2，重复 1，拒绝 0", "寄售中", seconds=30)

    assert report.from_bot
    assert not [text for text in persons(user, bot) if "NEW-" in text]
    assert goods.sql("SELECT owner_id, terms FROM batch WHERE upload_id IS NOT NULL") == [
        (goods.a_party("brand1"), "consigned")
    ]
    settled(chat)
    assert goods.sql("SELECT count(*) FROM inbox WHERE sealed_body IS NOT NULL OR sealed_answer IS NOT NULL") == [(0,)]


def test_a_document_goes_and_the_result_comes(
    store: Config, chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    bound(chat, user, bot)
    user.send_document(bot, "cards.csv", "卡密\nNEW-0001\nNEW-0002\n".encode(), caption="补货 A1")

    last(user, bot, "收到，正在导入")
    last(user, bot, "A1：新增 2，重复 0，拒绝 0", seconds=30)

    assert documents(user, bot) == []
    assert [asked.code for asked in tg.requests(bot, "deleteMessage")] == [200]
    assert goods.sql("SELECT source_name FROM batch WHERE upload_id IS NOT NULL") == [("cards.csv",)]


def test_inv_k1_what_is_brought_stands_nowhere_in_clear(
    store: Config, chat: Config, goods: Shop, bot: BotAccount, user: User, capfd: pytest.CaptureFixture[str]
) -> None:
    """INV-K1: cards in lines, in a file, in a junk file and in rows that are refused: no dump, log or file has them."""
    began, canary = time.time(), f"CNRY{secrets.token_hex(6).upper()}"
    bound(chat, user, bot)
    user.send(bot, f"补货 A1\n{canary}-1\n{canary}-2")
    last(user, bot, "新增 2", seconds=30)
    rows = f"卡密,有效期\n{canary}-3,2099-12-31\n{canary}-4,2020-01-01\n"
    user.send_document(bot, "cards.csv", rows.encode(), caption="补货 A1")
    last(user, bot, "新增 1，重复 0，拒绝 1", "已经过期", seconds=30)
    user.send_document(bot, "cards.csv", f"{canary}-5,{canary}-6\n".encode() * 3, caption="补货 A1")
    last(user, bot, "没有导入", seconds=30)
    user.send(bot, f"补货 A1 {canary}-7")
    last(user, bot, "换行贴卡密")
    settled(chat)

    tables = [row[0] for row in goods.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    dump = "\n".join(str(row[0]) for table in tables for row in goods.sql(f"SELECT t::text FROM {table} t")).encode()
    said = capfd.readouterr()
    everywhere = {
        "dump": dump,
        "data folder": contents(chat.data_dir),
        "temporary files": contents(Path(tempfile.gettempdir()), since=began),
        "said": (said.out + said.err).encode(),
        "chat": "\n".join(seen.text for seen in user.from_bot(bot)).encode(),
    }
    assert len(dump) > 1000
    assert {place for place, found in everywhere.items() for form in forms(canary) if form in found} == set()


def test_fault_3_killed_between_sealing_and_deleting_it_is_deleted_later_and_brought_once(
    settings: Config, goods: Shop, bot: BotAccount, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 3: the bot process dies once the restock stands in the tables, before Telegram hears of it."""
    with bots_running(settings):
        bound(settings, user, bot)
        settled(settings)
    reached: list[Seen] = []

    async def dies(self: Voice, turn: Any, answer: Any) -> Any:
        reached.append(turn)
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Voice, "say", dies)
        user.send_document(bot, "cards.txt", b"NEW-0001\nNEW-0002", caption="补货 A1")
        with bots_running(settings):
            until(lambda: reached)
    before = documents(user, bot), goods.count("restock")
    goods.sql("UPDATE inbox SET taken_until = NULL, sealed_answer = NULL, tries = 1 WHERE handled_at IS NULL")

    with bots_running(settings):
        last(user, bot, "收到，正在导入", "已从聊天中删除")
        settled(settings)

    assert before == (["cards.txt"], 1)
    assert documents(user, bot) == []
    assert (goods.count("restock"), goods.count("upload")) == (1, 1)


def test_a_lost_answer_to_the_deletion_is_no_failure_of_it(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    bound(chat, user, bot)
    tg.lose_answers(method="deleteMessage")
    user.send(bot, "补货 A1\nNEW-0001")

    last(user, bot, "收到，正在导入", "已从聊天中删除")

    assert [asked.code for asked in tg.requests(bot, "deleteMessage")] == [200, 400]
    assert goods.count("restock") == 1


def test_what_telegram_does_not_delete_is_to_be_deleted_by_hand(
    settings: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    """Telegram lets nobody delete a message for both sides after two days; the bot process was away that long."""
    with bots_running(settings):
        bound(settings, user, bot)
        settled(settings)
    user.send(bot, "补货 A1\nNEW-0001")
    tg.pass_time(49 * 3600)

    with bots_running(settings):
        last(user, bot, "收到，正在导入", "请您手动删除")

    assert [text for text in persons(user, bot) if "NEW-0001" in text]
    assert goods.count("restock") == 1


def test_an_outage_while_a_file_is_fetched_delays_it_only(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound(chat, user, bot)
    fetch, away = Documents.fetch, [ApiAway("502"), ApiAway("TimeoutError")]

    async def late(self: Documents, said: Any) -> Any:
        if away:
            raise away.pop()
        return await fetch(self, said)

    monkeypatch.setattr(Documents, "fetch", late)
    user.send_document(bot, "cards.txt", b"NEW-0001", caption="补货 A1")

    last(user, bot, "收到，正在导入")
    assert away == []
    assert documents(user, bot) == []
    assert goods.count("restock") == 1


def test_formatting_by_the_app_is_noticed(chat: Config, goods: Shop, bot: BotAccount, user: User) -> None:
    bound(chat, user, bot)
    text = "补货 A1\nAB12CD"
    user.send_raw(bot, {"text": text, "entities": [{"type": "bold", "offset": 8, "length": 2}]})

    last(user, bot, "当成了排版")
    assert goods.count("restock") == 0
    assert "AB12CD" in persons(user, bot)[-1]


def test_a_strangers_document_is_neither_fetched_nor_deleted(
    chat: Config, goods: Shop, tg: TelegramDouble, bot: BotAccount, user: User
) -> None:
    user.send_document(bot, "cards.csv", b"SOMEBODYS-0001", caption="补货 A1")
    said = last(user, bot, "补货 A1")
    settled(chat)

    assert "没有" in said.text or "找" in said.text
    assert tg.requests(bot, "getFile") == tg.requests(bot, "deleteMessage") == []
    assert goods.count("upload") == 0


def until(look: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)


def forms(secret: str) -> list[bytes]:
    """How a secret could stand in a file: plain, in hexadecimal, in base64 at any alignment."""
    plain = secret.encode()
    shifted = [base64.b64encode(b"x" * pad + plain + b"x" * (-(pad + len(plain)) % 3)) for pad in range(3)]
    return [plain, plain.hex().encode(), *(text[4:-4] for text in shifted)]


def contents(folder: Path, since: float = 0.0) -> bytes:
    """All bytes of all files below a folder that were written since."""
    found = []
    for root, _, names in os.walk(folder):
        for path in (Path(root, name) for name in names):
            try:
                if path.is_file() and path.stat().st_mtime >= since:
                    found.append(path.read_bytes())
            except OSError:
                continue
    return b"\n".join(found)
