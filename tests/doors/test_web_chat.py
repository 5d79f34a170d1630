"""The chat over HTTP, line by line of the public interface, by a program that knows nothing else."""

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.builders import Shop
from tests.support.web import Chatter, WebServer

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def chatter(web: WebServer) -> Chatter:
    return Chatter(web.url)


def test_a_session_is_201_with_its_id_and_a_token_that_is_not_stored(web: WebServer, sql: Sql) -> None:
    answer = httpx.post(f"{web.url}/api/v1/chat/demo/sessions", trust_env=False)

    assert answer.status_code == 201
    assert set(answer.json()) == {"session", "token"}
    assert answer.headers["cache-control"] == "no-store"
    stored = sql("SELECT row_to_json(s)::text FROM chat_session s")[0][0]
    assert answer.json()["token"] not in stored


def test_buying_by_code_is_one_confirm_screen_with_one_option_that_places_and_one_that_cancels(
    chatter: Chatter,
) -> None:
    (screen,) = chatter.say("买 A1 2")

    assert screen["kind"] == "confirm"
    assert "¥50.00" in screen["text"]
    labels = [option["label"] for option in screen["options"]]
    assert len([label for label in labels if "确认" in label]) == 1
    assert len([label for label in labels if "取消" in label]) == 1


def test_placing_answers_with_a_pay_screen_that_carries_the_order_and_the_page(
    chatter: Chatter, web: WebServer
) -> None:
    paid = chatter.place()

    assert paid["order"].startswith("ord_")
    (link,) = [option["url"] for option in paid["options"] if "url" in option]
    assert "/pay/" in link
    page = httpx.get(web.url + link[link.index("/pay/") :], trust_env=False)
    assert page.status_code == 200
    assert "¥50.00" in page.text


def test_the_same_id_twice_has_one_effect_and_the_same_answer(chatter: Chatter, goods: Shop) -> None:
    action = chatter.say("买 A1 1")[0]["options"][0]["action"]
    message = {"id": str(uuid.uuid4()), "action": action}

    answers = [chatter.post(**message).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert goods.count("shop_order") == 1


def test_the_same_id_ten_times_at_once_has_one_effect_and_the_same_answer(
    chatter: Chatter, goods: Shop, web: WebServer
) -> None:
    """INV-O6, Fault 39."""
    action = chatter.say("买 A1 1")[0]["options"][0]["action"]
    message = {"id": str(uuid.uuid4()), "action": action}
    answers: list[str] = []
    start = threading.Barrier(10)

    def send() -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            start.wait()
            answer = http.post(f"{chatter.http.base_url}messages", json=message, headers=chatter.http.headers)
            answers.append(f"{answer.status_code} {answer.text}")

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(answers)) == 1
    assert answers[0].startswith("200 ")
    assert goods.count("shop_order") == 1


def test_an_id_used_for_other_content_is_409_and_changes_nothing(chatter: Chatter, goods: Shop) -> None:
    message_id = str(uuid.uuid4())
    chatter.post(id=message_id, text="菜单")
    before = goods.fingerprint()

    answer = chatter.post(id=message_id, text="买 A1 1")

    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["error_id"].startswith("err_")
    assert goods.fingerprint() == before


@pytest.mark.parametrize("token", ["wrong", "a" * 43, "Bearer", "a b"])
def test_a_bad_token_is_401(web: WebServer, token: str) -> None:
    answer = httpx.post(
        f"{web.url}/api/v1/chat/demo/messages",
        json={"id": str(uuid.uuid4()), "text": "菜单"},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )

    assert answer.status_code == 401
    assert answer.json()["error_id"].startswith("err_")


def test_no_token_and_a_token_in_the_address_are_401(chatter: Chatter, web: WebServer) -> None:
    url = f"{web.url}/api/v1/chat/demo/messages"

    assert httpx.get(url, trust_env=False).status_code == 401
    assert httpx.get(url, params={"token": chatter.token}, trust_env=False).status_code == 401
    assert httpx.get(url + "/stream", params={"access_token": chatter.token}, trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/chat/demo/messages", "/api/v1/chat/demo/messages/stream", "/api/v1/products"]
)
@pytest.mark.parametrize("name", ["token", "access_token"])
def test_a_token_in_the_address_is_named_as_the_reason_whatever_else_is_sent(
    chatter: Chatter, path: str, name: str
) -> None:
    answer = chatter.http.get(str(chatter.http.base_url.join(path)), params={name: chatter.token})

    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("A token in the address is refused")
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_a_token_in_the_address_of_an_unknown_merchant_is_still_404(chatter: Chatter) -> None:
    address = str(chatter.http.base_url.join("/api/v1/chat/nobody/messages"))

    assert chatter.http.get(address, params={"token": chatter.token}).status_code == 404


def test_a_token_of_another_merchant_is_401(chatter: Chatter, web: WebServer) -> None:
    answer = httpx.get(
        f"{web.url}/api/v1/chat/other/messages", headers={"Authorization": f"Bearer {chatter.token}"}, trust_env=False
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["sessions", "messages"])
def test_an_unknown_merchant_is_404_as_a_problem_document(web: WebServer, path: str) -> None:
    for merchant in ("nobody", "NOBODY", "%00", "a%2Fb", "'"):
        answer = httpx.post(f"{web.url}/api/v1/chat/{merchant}/{path}", json={}, trust_env=False)

        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_more_than_64_kb_is_413_and_64_kb_are_read(chatter: Chatter) -> None:
    """Fault 57: too much is not read."""
    envelope = len(json.dumps({"id": str(uuid.uuid4()), "text": ""}))

    fits = chatter.post(id=str(uuid.uuid4()), text="x" * (65536 - envelope - 2))
    over = chatter.post(id=str(uuid.uuid4()), text="x" * 65536)
    far_over = chatter.post(id=str(uuid.uuid4()), text="x" * 4_000_000)

    assert (fits.status_code, over.status_code, far_over.status_code) == (200, 413, 413)
    assert over.json()["error_id"].startswith("err_")


def test_a_body_that_never_says_its_length_is_capped_too(chatter: Chatter) -> None:
    def parts() -> Any:
        for _ in range(30):
            yield b"x" * 4096

    assert chatter.http.post("/messages", content=parts()).status_code == 413


def test_a_business_refusal_is_200_with_one_error_screen_that_carries_an_error_id(
    chatter: Chatter, goods: Shop
) -> None:
    before = goods.count("shop_order")

    (screen,) = chatter.say("买 A1 99")

    assert screen["kind"] == "error"
    assert screen["error_id"].startswith("err_")
    assert goods.count("shop_order") == before


ID = b'"id": "00000000-0000-4000-8000-000000000000"'
OTHER_SHAPES = [
    b"", b"[]", b"{", b'"text"', b"null", b'{"text": "x"}', b'{"id": 5, "text": "x"}', b'{"id": null, "text": "x"}',
    b'{"id": "not-a-uuid", "text": "x"}', b"{" + ID + b"}", b"{" + ID + b', "text": "a", "action": "b"}',
    b"{" + ID + b', "text": ["a"]}', b"{" + ID + b', "action": ""}', b"\xff\xfe", b"[" * 30000,
]  # fmt: skip


def test_a_message_of_another_shape_is_a_problem_document_and_never_500(chatter: Chatter) -> None:
    for body in OTHER_SHAPES:
        answer = chatter.http.post("/messages", content=body)

        assert answer.status_code in {400, 422}, body
        assert answer.json()["error_id"].startswith("err_"), body


ODD_TEXTS = [
    "", " ", "\x00", "买\x00A1", "\u202e菜单", "\ufeff", "\ud800", "🧑\u200d🧒" * 50, "%s%n", "' OR 1=1--", "a" * 5000,
]  # fmt: skip


def test_whatever_signs_a_text_holds_the_shop_answers(chatter: Chatter) -> None:
    """Fault 56, at the door."""
    for text in ODD_TEXTS:
        content = json.dumps({"id": str(uuid.uuid4()), "text": text})

        answer = chatter.http.post("/messages", content=content, headers={"Content-Type": "application/json"})

        assert answer.status_code == 200, ascii(text)
        assert answer.json()["screens"], ascii(text)


def test_an_invented_action_is_answered_with_a_screen_and_places_nothing(chatter: Chatter, goods: Shop) -> None:
    """Fault 40."""
    assert chatter.act("0123456789abcdefABCDEF")
    assert goods.count("shop_order") == 0


def test_an_action_of_another_session_places_nothing(web: WebServer, goods: Shop) -> None:
    """Fault 40."""
    action = Chatter(web.url).say("买 A1 1")[0]["options"][0]["action"]

    Chatter(web.url).act(action)

    assert goods.count("shop_order") == 0


def test_a_failure_of_ours_is_not_the_answer_for_ever(chatter: Chatter, goods: Shop, sql: Sql) -> None:
    message = {"id": str(uuid.uuid4()), "text": "买 A1 1"}
    sql("ALTER TABLE listing RENAME TO listing_away")
    failed = chatter.post(**message)
    sql("ALTER TABLE listing_away RENAME TO listing")

    again = chatter.post(**message)

    assert failed.status_code in {500, 503}
    assert "listing" not in failed.text
    assert again.json()["screens"][0]["kind"] == "confirm"


def test_english_is_spoken_to_who_asks_for_it(web: WebServer) -> None:
    opened = httpx.post(f"{web.url}/api/v1/chat/demo/sessions", json={"locale": "en"}, trust_env=False).json()

    answer = httpx.post(
        f"{web.url}/api/v1/chat/demo/messages",
        json={"id": str(uuid.uuid4()), "text": "buy A1 2"},
        headers={"Authorization": f"Bearer {opened['token']}"},
        trust_env=False,
    )

    labels = [option["label"].lower() for option in answer.json()["screens"][0]["options"]]
    assert len([label for label in labels if "confirm" in label]) == 1
