"""WeChat's envelope: only WeChat's own fresh messages are read, and what goes back arrives sign by sign."""

import base64
import struct
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.chat.wechat.cipher import Mode, decrypted, encrypted, signed
from channels.chat.wechat.envelope import FRESH_FOR, NOT_XML, SUCCESS, open_post, passive_reply, verify_url
from channels.chat.wechat.received import Kind
from channels.chat.wechat.refused import Unauthentic, Why
from core.secret import Secret
from tests.support.wechat import (
    ACCOUNT,
    AES_KEY,
    APP_ID,
    NONCE,
    NOW,
    OPENID,
    RAW_KEY,
    STAMP,
    TEXT,
    TOKEN,
    a_message,
    aes,
    an_event,
    envelope,
    keys,
    opened,
    query,
    sealed,
    sha1,
)


def test_signature_and_ciphertext_are_those_that_openssl_makes():
    """Known answers, made by `openssl dgst -sha1` and `openssl enc -aes-256-cbc`, not by wechatpy."""
    assert signed(keys(), STAMP, NONCE) == "f73b5fb67477a3d6e8d9e2c8ba5c0b221736aad5"
    assert decrypted(keys(), KNOWN) == "<xml>取卡</xml>".encode()
    assert signed(keys(), STAMP, NONCE, KNOWN) == "a5a7b9d7ff990f04d8d106fdc8e7fe6836411196"


KNOWN = "Q3stYC6hdFzMh9T8HCvyDMBoMz8SuxZjhiJEWgtI/KDHs2GaJ7LpRLDKv8z9z7IriUDk1/YZEazVOk1Q7gsWJQ=="


def test_the_address_is_proved_by_echoing_what_wechat_sent():
    assert verify_url(keys(), query(echostr="4375120948345356249"), NOW) == "4375120948345356249"


@pytest.mark.parametrize("echo", ["", "a b", "a\nb", "x" * 257, "é"])
def test_only_what_wechat_could_have_sent_is_echoed(echo):
    with pytest.raises(Unauthentic):
        verify_url(keys(), query(echostr=echo), NOW)


@pytest.mark.parametrize("mode", Mode)
def test_a_message_reads_alike_in_every_mode(mode):
    received = opened(TEXT, mode)

    assert received.kind is Kind.TEXT
    assert (received.from_user, received.to_user) == (OPENID, ACCOUNT)
    assert (received.content, received.message_id) == ("买 A1 2", "24601000000000001")
    assert received.dedupe_id == "message:24601000000000001"
    assert received.created_at == datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    assert received.replay_key == sha1(STAMP, NONCE)


def test_compatible_mode_reads_the_encrypted_side_and_not_the_plain_one():
    encrypt = sealed(TEXT)
    body = TEXT.replace("买 A1 2", "forged").replace("</xml>", f"<Encrypt>{encrypt}</Encrypt></xml>").encode()

    assert open_post(keys(Mode.COMPATIBLE), query(encrypt), body, NOW).content == "买 A1 2"


def test_compatible_mode_reads_plain_text_where_there_is_nothing_else():
    assert open_post(keys(Mode.COMPATIBLE), query(), TEXT.encode(), NOW).content == "买 A1 2"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("signature", ["", "0" * 40, "é" * 20, sha1(STAMP, NONCE).upper(), sha1(STAMP, NONCE)[:-1]])
def test_fault_51_a_wrong_signature_is_turned_away(mode, signature):
    """Fault 51: bad signature."""
    encrypt = sealed(TEXT)
    asked = query(encrypt, signature=signature)

    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(mode), asked, envelope(encrypt) if mode is not Mode.PLAIN else TEXT.encode(), NOW)
    assert refusal.value.why is Why.SIGNATURE
    with pytest.raises(Unauthentic):
        verify_url(keys(mode), asked | {"echostr": "1"}, NOW)


@pytest.mark.parametrize("mode", [Mode.COMPATIBLE, Mode.SAFE])
@pytest.mark.parametrize("forged", ["", "0" * 40, sha1(STAMP, NONCE), sha1(STAMP, NONCE, sealed("other"))])
def test_fault_51_the_encrypted_part_has_a_signature_of_its_own(mode, forged):
    """Fault 51: bad msg_signature, also in compatible mode, where there is plain text beside it."""
    encrypt = sealed(TEXT)
    body = TEXT.replace("</xml>", f"<Encrypt>{encrypt}</Encrypt></xml>").encode()

    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(mode), query(encrypt, msg_signature=forged), body, NOW)
    assert refusal.value.why is Why.SIGNATURE


@pytest.mark.parametrize(
    "off", [-FRESH_FOR - timedelta(seconds=1), FRESH_FOR + timedelta(seconds=1), -timedelta(days=365)]
)
def test_fault_51_an_old_or_future_timestamp_is_turned_away(off):
    """Fault 51: old timestamp. Control: one second nearer is read."""
    nearer = off - timedelta(seconds=1) if off > timedelta(0) else off + timedelta(seconds=1)

    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(Mode.PLAIN), query(), TEXT.encode(), NOW - off)
    assert refusal.value.why is Why.STALE
    if abs(nearer) <= FRESH_FOR:
        assert open_post(keys(Mode.PLAIN), query(), TEXT.encode(), NOW - nearer).content == "买 A1 2"


@pytest.mark.parametrize(
    "stamp", ["", "abc", "17724240001", "1.7724240e9", "-772424000", "１７７２４２４０００", "0x69A50B40"]
)
def test_fault_51_a_timestamp_that_is_no_time_is_turned_away(stamp):
    """Fault 51: old timestamp, written so that a number might come of it."""
    with pytest.raises(Unauthentic):
        open_post(keys(Mode.PLAIN), query(stamp=stamp), TEXT.encode(), NOW)


def test_fault_51_a_nonce_used_again_shows_by_its_replay_key():
    """Fault 51: reused nonce. The caller compares the key and the message; a repeat of WeChat's is the same message."""
    first = open_post(keys(Mode.PLAIN), query(), TEXT.encode(), NOW)
    repeat = open_post(keys(Mode.PLAIN), query(nonce="998877"), TEXT.encode(), NOW)
    misused = open_post(keys(Mode.PLAIN), query(), TEXT.replace("24601", "24602").encode(), NOW)

    assert repeat.dedupe_id == first.dedupe_id
    assert repeat.replay_key != first.replay_key
    assert repeat.body() == first.body()
    assert misused.replay_key == first.replay_key
    assert misused.dedupe_id != first.dedupe_id


def test_fault_51_moving_digits_between_timestamp_and_nonce_gains_nothing():
    """Fault 51: a signature joins its parts without a mark; as the key it stays used."""
    first = query(stamp="1772424000", nonce="1772424111")
    swapped = first | {"timestamp": "1772424111", "nonce": "1772424000"}

    keys_seen = {open_post(keys(Mode.PLAIN), each, TEXT.encode(), NOW).replay_key for each in (first, swapped)}

    assert len(keys_seen) == 1


def test_a_message_of_another_account_is_turned_away_whatever_it_is_signed_with():
    encrypt = sealed(TEXT, app_id="wx0000000000000000")

    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(), query(encrypt), envelope(encrypt), NOW)
    assert refusal.value.why is Why.APP_ID
    with pytest.raises(Unauthentic) as refusal:
        opened(TEXT, Mode.PLAIN, original_id="gh_somebodyelse")
    assert refusal.value.why is Why.ACCOUNT
    assert opened(TEXT, Mode.PLAIN, original_id=ACCOUNT).content == "买 A1 2"


def test_a_safe_account_refuses_plain_text():
    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(), query(), TEXT.encode(), NOW)
    assert refusal.value.why is Why.NO_CIPHERTEXT


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"length": 2**31}, Why.CIPHERTEXT),
        ({"length": 0}, Why.APP_ID),
        ({"padding": lambda count: b"\0" * count}, Why.CIPHERTEXT),
        ({"padding": lambda count: bytes(count - 1) + bytes([count])}, Why.CIPHERTEXT),
        ({"key": bytes(32)}, Why.CIPHERTEXT),
    ],
)
def test_ciphertext_that_was_not_made_as_wechat_makes_it_is_turned_away(how, why):
    encrypt = sealed(TEXT, **how)

    with pytest.raises(Unauthentic) as refusal:
        open_post(keys(), query(encrypt), envelope(encrypt), NOW)
    assert refusal.value.why is why


@pytest.mark.parametrize("plain", [b"\x10" * 16, b"\x20" * 32, b"\x01" * 16])
def test_ciphertext_too_short_for_its_parts_is_turned_away(plain):
    encrypt = base64.b64encode(aes(plain)).decode()

    with pytest.raises(Unauthentic):
        open_post(keys(), query(encrypt), envelope(encrypt), NOW)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (an_event(Event="subscribe", EventKey=""), {"event": "subscribe", "scene": ""}),
        (an_event(Event="subscribe", EventKey="qrscene_p_A1", Ticket="T1"), {"scene": "p_A1", "ticket": "T1"}),
        (an_event(Event="SCAN", EventKey="123", Ticket="T1"), {"event": "scan", "scene": "123"}),
        (an_event(Event="CLICK", EventKey="cards"), {"event": "click", "clicked": "cards"}),
        (an_event(Event="VIEW", EventKey="https://shop.example/"), {"event": "view", "clicked": ""}),
        (a_message(Content="1", bizmsgmenuid="abc_123"), {"kind": Kind.TEXT, "content": "1", "menu_id": "abc_123"}),
        (a_message(MsgType="voice", Content=None, Recognition="取卡"), {"kind": Kind.VOICE, "content": "取卡"}),
        (a_message(MsgType="image", Content=None), {"kind": Kind.IMAGE, "content": ""}),
        (a_message(MsgType="location", Content=None), {"kind": Kind.OTHER}),
        (a_message(MsgType="hologram", Content=None), {"kind": Kind.OTHER}),
        (a_message(Content="a &lt;b&gt; &amp; c"), {"content": "a <b> & c"}),
    ],
)  # fmt: skip
def test_what_was_sent_is_read_as_what_it_means(message, wanted):
    received = opened(message)

    assert {name: getattr(received, name) for name in wanted} == wanted


def test_events_are_told_apart_by_sender_time_and_key_and_repeats_are_not():
    first = opened(an_event(Event="CLICK", EventKey="cards"))

    assert first.dedupe_id == opened(an_event(Event="CLICK", EventKey="cards")).dedupe_id
    others = (
        an_event(Event="CLICK", EventKey="orders"),
        an_event(Event="CLICK", EventKey="cards", CreateTime="1772424001"),
        an_event(Event="CLICK", EventKey="cards", FromUserName="oOther"),
        an_event(Event="VIEW", EventKey="cards"),
    )
    assert first.dedupe_id not in {opened(other).dedupe_id for other in others}
    assert len(first.dedupe_id) <= 200


def test_nothing_that_was_said_and_no_key_shows_when_a_message_or_account_is_printed():
    assert "买" not in repr(opened(TEXT))
    assert TOKEN not in repr(keys())
    assert AES_KEY not in repr(keys())
    assert str(RAW_KEY)[2:12] not in repr(keys())


@pytest.mark.parametrize("changed", [{"app_id": ""}, {"token": Secret("")}, {"aes_key": None}, {"aes_key": Secret("x")},
                                     {"aes_key": Secret("!" * 43)}])  # fmt: skip
def test_an_account_whose_keys_could_not_work_is_not_set_up(changed):
    with pytest.raises(ValueError, match=r"account|EncodingAESKey"):
        keys(**changed)


def read_back(answer, mode=Mode.SAFE):
    """The answer as WeChat reads it, by code that is not ours."""
    root = ElementTree.fromstring(answer)
    if mode is Mode.PLAIN:
        return {tag.tag: tag.text or "" for tag in root}
    parts = {tag.tag: tag.text or "" for tag in root}
    assert parts["MsgSignature"] == sha1(parts["TimeStamp"], parts["Nonce"], parts["Encrypt"])
    plain = aes(base64.b64decode(parts["Encrypt"]), decrypt=True)
    plain = plain[: -plain[-1]]
    (length,) = struct.unpack(">I", plain[16:20])
    assert plain[20 + length :].decode() == APP_ID
    return {tag.tag: tag.text or "" for tag in ElementTree.fromstring(plain[20 : 20 + length])}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", ["您好", "a]]>b", "]]>", "]]]]>>", "<a href=\"https://x/?a&b\">去</a>", "K<&>_*`'\"]]",
                                  "]]></Content><MsgType>news</MsgType><x>", "line\nline", "😀"])  # fmt: skip
def test_a_reply_arrives_sign_by_sign_and_closes_nothing(mode, text):
    answer = passive_reply(keys(mode), opened(TEXT), text, NOW)

    assert read_back(answer, mode) == {
        "ToUserName": OPENID,
        "FromUserName": ACCOUNT,
        "CreateTime": STAMP,
        "MsgType": "text",
        "Content": text,
    }


@pytest.mark.parametrize("mode", Mode)
def test_no_text_is_answered_with_success_in_every_mode(mode):
    assert passive_reply(keys(mode), opened(TEXT), "", NOW) == SUCCESS == b"success"


@pytest.mark.parametrize("text", ["\0", "a\x1b[0m", "\r", "\ufffe", "\ud800"])
def test_signs_that_xml_cannot_carry_are_a_defect_of_the_renderer_and_not_sent(text):
    with pytest.raises(ValueError, match="XML cannot carry"):
        passive_reply(keys(), opened(TEXT), text, NOW)


def test_two_replies_never_have_the_same_nonce_or_ciphertext():
    first, second = (ElementTree.fromstring(passive_reply(keys(), opened(TEXT), "hi", NOW)) for _ in range(2))

    assert first.findtext("Nonce") != second.findtext("Nonce")
    assert first.findtext("Encrypt") != second.findtext("Encrypt")


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=700).filter(lambda text: not NOT_XML.search(text)))
def test_every_text_makes_the_round_trip(text):
    assert read_back(passive_reply(keys(), opened(TEXT), text, NOW))["Content"] == text


@settings(max_examples=200)
@given(st.binary(max_size=2000))
def test_whatever_we_encrypt_has_the_form_that_wechat_reads(message):
    plain = aes(base64.b64decode(encrypted(keys(), message)), decrypt=True)

    assert len(plain) % 32 == 0
    assert set(plain[-plain[-1] :]) == {plain[-1]}
    assert 1 <= plain[-1] <= 32
    assert plain[16 : -plain[-1]] == struct.pack(">I", len(message)) + message + APP_ID.encode()
