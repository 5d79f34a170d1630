"""The API of the WeChat double keeps WeChat's own rules, so that what passes here would pass there."""

import time
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.support.wechat_shop import APP_ID, SECRET, SEND, TOKEN, api


def test_words_open_five_messages_and_a_tap_three_and_they_do_not_add_up(double, account):
    user = double.follower(account)
    with api(double) as client:
        client.fetch()
        before = client.send(user.openid)
        user.say("hello")
        after_words = [client.send(user.openid) for _ in range(6)]
        user.click("取卡")
        after_tap = [client.send(user.openid) for _ in range(4)]
        double.pass_time(61)
        later = client.send(user.openid)
        double.pass_time(48 * 3600)
        client.fetch()
        much_later = client.send(user.openid)

    assert before == 45015
    assert after_words == [0, 0, 0, 0, 0, 45047]
    assert after_tap == [0, 0, 0, 45047]
    assert (later, much_later) == (45047, 45015)
    assert len(user.heard("service")) == 8


def test_a_newer_token_ends_the_older_after_the_overlap_and_both_end_after_two_hours(double, account):
    with api(double) as client:
        first = client.fetch()
        second = client.fetch()
        client.token = first
        double.pass_time(299)
        assert "errcode" not in client.get("/cgi-bin/getcallbackip")
        double.pass_time(2)
        assert client.get("/cgi-bin/getcallbackip")["errcode"] == 40001
        client.token = second
        assert "errcode" not in client.get("/cgi-bin/getcallbackip")
        double.pass_time(7200)
        assert client.get("/cgi-bin/getcallbackip")["errcode"] == 42001
        client.token = "made-up"
        assert client.get("/cgi-bin/getcallbackip")["errcode"] == 40014


def test_a_stable_token_stays_until_its_last_minutes_or_until_it_is_forced(double, account):
    path = "/cgi-bin/stable_token"
    with api(double) as client:
        first = client.fetch(path)
        plain = client.fetch()
        assert client.fetch(path) == first
        forced = client.fetch(path, force_refresh=True)
        assert forced != first
        assert client.fetch(path, force_refresh=True) == forced  # within thirty seconds
        client.token = first
        assert client.get("/cgi-bin/getcallbackip")["errcode"] == 40001
        client.token = plain
        assert "errcode" not in client.get("/cgi-bin/getcallbackip")
        double.pass_time(6901)
        assert client.fetch(path) != forced


def test_refusals_have_wechats_numbers(double, account):
    user, stranger = double.follower(account), double.follower(account, "路人", follows=False)
    account.allowed_addresses = {"203.0.113.9"}
    with api(double) as client:
        assert client.fetch() == "40164"
        account.allowed_addresses = None
        assert client.fetch(secret="wrong") == "40125"
        assert client.fetch(appid="wx1") == "40013"
        client.fetch()
        assert client.send("oNobody") == 40003
        assert client.send(stranger.openid) == 43004
        user.say("hi")
        double.use_up_quota(user)
        assert client.send(user.openid) == 45047
        double.limit_daily(account, SEND, 3)
        assert client.send(user.openid) == 45009
        double.answer_with(-1)
        assert client.send(user.openid) == -1
        double.expire_tokens(account, 40001)
        assert client.send(user.openid) == 40001
    assert double.violations == []


def test_what_no_shop_should_send_is_refused_and_written_down(double, account):
    user = double.follower(account)
    user.say("hi")
    with api(double) as client:
        client.fetch()
        where = {"access_token": client.token}
        escaped = b'{"touser":"%s","msgtype":"text","text":{"content":"\\u53d6"}}' % user.openid.encode()
        assert client.http.post(SEND, params=where, content=escaped).json()["errcode"] == 47001
        assert client.send(user.openid, "字" * 683) == 45002
        assert client.get(SEND)["errcode"] == 43002
        assert client.post("/cgi-bin/nothing")["errcode"] == 40066
        assert client.http.get("/cgi-bin/getcallbackip").json()["errcode"] == 41001
        client.http.get("/cgi-bin/getcallbackip", params=where, headers={"host": "mp.weixin.qq.com"})
    assert len(double.violations) == 6


@pytest.mark.parametrize(
    ("menu", "code"),
    [
        ({"button": []}, 40016),
        ({"button": [{"type": "click", "name": "选购", "key": "k"}] * 4}, 40016),
        ({"button": [{"type": "click", "name": "选购热销分类搜", "key": "k"}]}, 40018),
        ({"button": [{"type": "click", "name": "选购", "key": "字" * 43}]}, 40019),
        ({"button": [{"type": "tap", "name": "选购", "key": "k"}]}, 40015),
        ({"button": [{"name": "选购", "sub_button": [{"type": "click", "name": "一", "key": "k"}] * 6}]}, 40023),
        ({"button": [{"name": "选购", "sub_button": [{"type": "click", "name": "字" * 21, "key": "k"}]}]}, 40025),
        ({"button": [{"name": "选购", "sub_button": [{"type": "view", "name": "一", "url": "ftp://x"}]}]}, 40027),
        ({"button": [{"name": "选购", "sub_button": [{"type": "click", "name": "取卡", "key": "取卡"}]}]}, 0),
    ],
)
def test_a_menu_keeps_its_limits(double, account, menu, code):
    with api(double) as client:
        client.fetch()
        assert client.post("/cgi-bin/menu/create", **menu)["errcode"] == code
        found = client.get("/cgi-bin/menu/get")
    assert found == {"menu": menu} if code == 0 else found["errcode"] == 46003
    if code == 0:
        with pytest.raises(AssertionError, match="no key"):
            double.follower(account).click("订单")


def test_one_consent_is_one_notice(double, account):
    account.templates["T1"] = ("thing1", "character_string2")
    user = double.follower(account)
    notice = {"touser": user.openid, "template_id": "T1", "page": "https://shop.example/w/1"}
    filled = {"thing1": {"value": "视频月卡"}, "character_string2": {"value": "ord_1"}}
    with api(double) as client:
        client.fetch()
        refused = client.post("/cgi-bin/message/subscribe/bizsend", **notice, data=filled)["errcode"]
        user.consent("T1", accepts=False)
        user.consent("T1")
        said = [client.post("/cgi-bin/message/subscribe/bizsend", **notice, data=filled)["errcode"] for _ in range(2)]
        wrong = client.post("/cgi-bin/message/subscribe/bizsend", **notice, data={"thing1": {"value": "x"}})["errcode"]

    assert (refused, said, wrong) == (43101, [0, 43101], 47003)
    assert [(seen.text, seen.page) for seen in user.messages()] == [("视频月卡\nord_1", "https://shop.example/w/1")]


def test_what_an_account_may_do_follows_from_its_kind(double):
    small = double.add_account(APP_ID, SECRET, TOKEN, mode="plain", kind="subscription", verified=False)
    user = double.follower(small)
    with api(double) as client:
        client.fetch()
        assert client.send(user.openid) == 48001
        assert client.post("/cgi-bin/openapi/quota/get", cgi_path=SEND)["errcode"] == 76022
        small.verified = True
        assert client.post("/cgi-bin/openapi/quota/get", cgi_path=SEND)["quota"]["remain"] == 500_000
        assert client.post("/cgi-bin/qrcode/create", action_name="QR_SCENE", action_info={})["errcode"] == 48001


def test_a_page_learns_who_opens_it_by_a_code_that_works_once(double, account):
    user = double.follower(account)
    back = "https://shop.example/wechat/back?x=1"
    asked = httpx.QueryParams(
        {"appid": APP_ID, "redirect_uri": back, "response_type": "code", "scope": "snsapi_base", "state": "s1"}
    )
    address = f"{double.url}/connect/oauth2/authorize?{asked}#wechat_redirect"
    led = urlsplit(user.authorise(address))
    given = dict(parse_qsl(led.query))
    exchange = {"appid": APP_ID, "secret": SECRET, "code": given["code"], "grant_type": "authorization_code"}
    with httpx.Client(base_url=double.url, trust_env=False) as http:
        first = http.get("/sns/oauth2/access_token", params=exchange).json()
        second = http.get("/sns/oauth2/access_token", params=exchange).json()
        never = http.get("/sns/oauth2/access_token", params=exchange | {"code": "0none"}).json()
        chosen = http.get(address.partition("#")[0] + f"&as={user.openid}")
        shown = http.get(address.partition("#")[0])

    assert (led.netloc, given["x"], given["state"]) == ("shop.example", "1", "s1")
    assert (first["openid"], first["scope"]) == (user.openid, "snsapi_base")
    assert (second["errcode"], never["errcode"]) == (40163, 40029)
    assert chosen.headers["location"].startswith(back)
    assert "小明" in shown.text
    account.web_domains = {"other.example"}
    with pytest.raises(AssertionError, match="10003"):
        user.authorise(address)
    with pytest.raises(AssertionError, match="#wechat_redirect"):
        user.authorise(address.partition("#")[0])


def test_outages_slowness_and_lost_answers(double, account):
    user = double.follower(account)
    user.say("hi")
    with api(double) as client:
        client.fetch()
        double.outage()
        assert client.http.post(SEND).status_code == 502
        double.outage(kind="busy")
        assert client.send(user.openid) == -1
        double.outage(kind="drop")
        with pytest.raises(httpx.TransportError):
            client.send(user.openid)
        double.outage(on=False)
        double.lose_answers(path=SEND)
        with pytest.raises(httpx.TransportError):
            client.send(user.openid, "lost")
        double.slow(0.2)
        begun = time.monotonic()
        assert client.send(user.openid, "slow") == 0

    assert time.monotonic() - begun >= 0.2
    assert user.heard("service") == ["lost", "slow"]
