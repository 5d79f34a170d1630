"""Who opened a page: asked of the platform by the worker, once, and only whether it is the right one is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from core import db
from core.actor import OPERATOR
from core.connections.credentials import Holder
from core.connections.sealed_settings import PAGE_URL, keep_setting
from core.connections.verify_files import find_verify_file, set_verify_file
from core.conversations.logins import LoginOutcome, StateUsed, begin_login, finish_login, login_outcome
from core.errors import Invalid, NotFound
from core.secret import Secret
from tests.builders import NOON, Shop
from tests.support.chats import an_account, somebody


def ended(urls: dict[str, str], login: UUID, platform: Platform) -> LoginOutcome | None:
    """The worker's part, with the rights of the worker."""
    db.connect(urls["worker"], size=2)
    try:
        return finish_login(login_id=login, identifier=platform, now=NOON)
    finally:
        db.connect(urls["shop"], size=4)


@dataclass
class Platform:
    """Says who stands behind a code."""

    openids: dict[str, str | None]
    asked: list[tuple[int, str]] = field(default_factory=list)

    def identify(self, account_id: int, code: Secret, /) -> str | None:
        self.asked.append((account_id, code.reveal().decode()))
        return self.openids.get(code.reveal().decode())


@pytest.mark.parametrize(
    ("openid", "outcome"),
    [("o-me", LoginOutcome.SAME), ("o-you", LoginOutcome.OTHER), (None, LoginOutcome.FAILED)],
)
def test_the_answer_of_the_platform_decides(
    shop: Shop, urls: dict[str, str], openid: str | None, outcome: LoginOutcome
) -> None:
    account = an_account(shop, "wechat", "wx1")
    follower, platform = somebody(shop, account, "o-me"), Platform({"code-1": openid})
    login = begin_login(conversation_id=follower.conversation_id, state="s1", code="code-1", now=NOON)
    before = login_outcome(login_id=login)

    assert ended(urls, login, platform) is outcome

    assert before is None
    assert login_outcome(login_id=login) is outcome
    assert platform.asked == [(account.id, "code-1")]
    assert shop.sql("SELECT code FROM page_login") == [(None,)]
    assert "o-you" not in str(shop.sql("SELECT l::text FROM page_login l"))


def test_the_platform_is_asked_once_however_often_the_work_is_taken(shop: Shop, urls: dict[str, str]) -> None:
    follower, platform = somebody(shop, an_account(shop, "wechat", "wx1"), "o-me"), Platform({"c": "o-me"})
    login = begin_login(conversation_id=follower.conversation_id, state="s1", code="c", now=NOON)

    first = ended(urls, login, platform)

    assert first is LoginOutcome.SAME
    assert ended(urls, login, platform) is None
    assert len(platform.asked) == 1


def test_a_state_is_used_once(shop: Shop) -> None:
    follower = somebody(shop, an_account(shop, "wechat", "wx1"), "o-me")
    begin_login(conversation_id=follower.conversation_id, state="s1", code="c1", now=NOON)

    with pytest.raises(StateUsed):
        begin_login(conversation_id=follower.conversation_id, state="s1", code="c2", now=NOON)

    assert shop.count("page_login") == 1
    assert shop.count("keystall_task") == 1


@pytest.mark.parametrize("code", ["", "a b", "c" * 513, "ü", "a\0"])
def test_what_is_no_code_is_refused(shop: Shop, code: str) -> None:
    follower = somebody(shop, an_account(shop, "wechat", "wx1"), "o-me")

    with pytest.raises(Invalid):
        begin_login(conversation_id=follower.conversation_id, state="s1", code=code, now=NOON)

    assert shop.count("page_login") == 0


FILE = "MP_verify_0123456789abcDEF.txt"
VERIFY_KEY = Secret(b"v" * 32)


def test_a_file_is_found_at_its_accounts_own_host_only(shop: Shop) -> None:
    one, other = an_account(shop, "wechat", "wx1"), an_account(shop, "wechat", "wx2")
    hosted = {"name": PAGE_URL, "holder": Holder.VERIFY, "now": NOON}
    keep_setting(VERIFY_KEY, account_id=one.id, value="https://cards.example", **hosted)
    keep_setting(VERIFY_KEY, account_id=other.id, value="https://other.example", **hosted)
    set_verify_file(actor=OPERATOR, account_id=one.id, name=FILE, content="0123456789abcDEF\n", now=NOON)

    found = find_verify_file(name=FILE, host="cards.example", shared_url="https://shop.example", verify_key=VERIFY_KEY)

    assert found == "0123456789abcDEF"
    for host in ("other.example", "shop.example", "", "cards.example.evil"):
        with pytest.raises(NotFound):
            find_verify_file(name=FILE, host=host, shared_url="https://shop.example", verify_key=VERIFY_KEY)


def test_an_account_without_a_host_of_its_own_has_its_file_where_the_shop_is(shop: Shop) -> None:
    account = an_account(shop, "wechat", "wx1")
    set_verify_file(actor=OPERATOR, account_id=account.id, name=FILE, content="x1", now=NOON)

    assert (
        find_verify_file(name=FILE, host="shop.example", shared_url="https://shop.example", verify_key=VERIFY_KEY)
        == "x1"
    )
    assert find_verify_file(name=FILE, host="127.0.0.1", shared_url="", verify_key=VERIFY_KEY) == "x1"


@pytest.mark.parametrize(
    ("name", "content"),
    [("robots.txt", "x"), ("MP_verify_../../etc.txt", "x"), (FILE, "<script>"), (FILE, ""), (FILE, "x" * 129)],
)
def test_only_such_files_are_kept(shop: Shop, name: str, content: str) -> None:
    account = an_account(shop, "wechat", "wx1")

    with pytest.raises(Invalid):
        set_verify_file(actor=OPERATOR, account_id=account.id, name=name, content=content, now=NOON)

    assert shop.sql("SELECT settings FROM chat_account") == [({},)]


def test_a_bot_has_no_such_files(shop: Shop) -> None:
    bot = an_account(shop)

    with pytest.raises(NotFound):
        set_verify_file(actor=OPERATOR, account_id=bot.id, name=FILE, content="x", now=NOON)
    assert db.execute("SELECT count(*) FROM chat_account")[0][0] == 1
