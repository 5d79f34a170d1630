"""Bodies that attack their reader or mean nothing: one exception, no time, no file (faults 49 and 50)."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.chat.wechat import parsing
from channels.chat.wechat.cipher import Mode
from channels.chat.wechat.envelope import open_post
from channels.chat.wechat.refused import Junk, JunkKind, Unauthentic
from tests.support.wechat import NOW, TEXT, a_message, an_event, envelope, keys, opened, query, sealed

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "xxe": (b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><MsgType>&f;</MsgType></xml>',
            JunkKind.DOCTYPE),
    "dtd": (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>', JunkKind.DOCTYPE),
    "parameter entity": (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><xml/>', JunkKind.DOCTYPE),
    "billion laughs": (f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><xml><MsgType>&a9;</MsgType></xml>'.encode(),
                       JunkKind.DOCTYPE),
    "nested": (b"<xml>" + b"<a>" * 20_000 + b"</a>" * 1, JunkKind.NESTED),
    "crowded": (b"<xml>" + b"<a/>" * 15_000 + b"</xml>", JunkKind.DUPLICATE),
    "four megabytes": (b"<xml><MsgType>" + b"x" * 4_000_000 + b"</MsgType></xml>", JunkKind.TOO_LARGE),
    "many names": (b"<xml>" + b"".join(b"<a%d/>" % n for n in range(7_000)) + b"</xml>", JunkKind.CROWDED),
    "attributes": (b"<xml " + b" ".join(b'a%d=""' % n for n in range(5_000)) + b"/>", JunkKind.NO_TYPE),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SAFE])
def test_fault_49_a_body_that_attacks_its_reader_is_junk_within_100_ms_and_reads_no_file(name, mode, monkeypatch):
    """Fault 49: XXE, billion laughs, 4 MB, 20,000 nested tags."""
    body, kind = ATTACKS[name]
    too_large = mode is Mode.SAFE and len(envelope(sealed(body))) > parsing.LARGEST
    monkeypatch.setattr("builtins.open", lambda *_: pytest.fail("a file was opened"))
    began = time.process_time()

    with pytest.raises(Junk) as refusal:
        opened(body, mode)

    assert time.process_time() - began < 0.1
    assert refusal.value.kind is (JunkKind.TOO_LARGE if too_large else kind)


def test_fault_49_a_reader_stops_at_the_first_tag_too_deep(monkeypatch):
    """Fault 49: the work is that of six tags, not of twenty thousand."""
    readers = []
    made = parsing._Reader

    def counted():
        readers.append(made())
        return readers[-1]

    monkeypatch.setattr(parsing, "_Reader", counted)

    with pytest.raises(Junk):
        parsing.fields_of(ATTACKS["nested"][0])

    assert [reader.tags for reader in readers] == [parsing.DEEPEST + 1]


JUNK = {
    "empty": (b"", JunkKind.EMPTY),
    "blank": (b" \r\n\t ", JunkKind.EMPTY),
    "no xml": (b"hello", JunkKind.XML),
    "json": (b'{"MsgType": "text"}', JunkKind.XML),
    "cut off": (TEXT[:200].encode(), JunkKind.XML),
    "two roots": (b"<xml/><xml/>", JunkKind.XML),
    "other root": (TEXT.replace("xml>", "html>").encode(), JunkKind.XML),
    "no message": (b"<xml></xml>", JunkKind.NO_TYPE),
    "no MsgType": (a_message(MsgType=None).encode(), JunkKind.NO_TYPE),
    "blank MsgType": (a_message(MsgType=" ").encode(), JunkKind.NO_TYPE),
    "MsgType of tags": (a_message(MsgType="<a>text</a>").encode(), JunkKind.NO_TYPE),
    "twice MsgType": (TEXT.replace("</xml>", "<MsgType>event</MsgType></xml>").encode(), JunkKind.DUPLICATE),
    "twice FromUserName": (
        TEXT.replace("</xml>", "<FromUserName>o2</FromUserName></xml>").encode(),
        JunkKind.DUPLICATE,
    ),
    "CreateTime=abc": (a_message(CreateTime="abc").encode(), JunkKind.CREATE_TIME),
    "CreateTime missing": (a_message(CreateTime=None).encode(), JunkKind.CREATE_TIME),
    "CreateTime=-1": (a_message(CreateTime="-1").encode(), JunkKind.CREATE_TIME),
    "CreateTime=1e400": (a_message(CreateTime="1e400").encode(), JunkKind.CREATE_TIME),
    "CreateTime too large": (a_message(CreateTime="9" * 30).encode(), JunkKind.CREATE_TIME),
    "CreateTime full-width": (a_message(CreateTime="１７７２４２４０００").encode(), JunkKind.CREATE_TIME),
    "NUL": (TEXT.replace("买", "\0").encode(), JunkKind.XML),
    "NUL by number": (a_message(Content="&#0;").encode(), JunkKind.XML),
    "control sign": (TEXT.replace("买", "\x01").encode(), JunkKind.XML),
    "GBK": (TEXT.encode("gbk"), JunkKind.ENCODING),
    "GBK declared": (b'<?xml version="1.0" encoding="GBK"?>' + TEXT.encode("gbk"), JunkKind.ENCODING),
    "UTF-16": (TEXT.encode("utf-16"), JunkKind.ENCODING),
    "unknown entity": (a_message(Content="&nbsp;").encode(), JunkKind.XML),
    "no sender": (a_message(FromUserName=None).encode(), JunkKind.NO_SENDER),
    "sender of blanks": (a_message(FromUserName="o 1' OR").encode(), JunkKind.NO_SENDER),
    "long sender": (a_message(FromUserName="o" * 65).encode(), JunkKind.NO_SENDER),
    "no recipient": (a_message(ToUserName="").encode(), JunkKind.NO_RECIPIENT),
    "MsgId=abc": (a_message(MsgId="abc").encode(), JunkKind.MESSAGE_ID),
    "event without name": (an_event().encode(), JunkKind.NO_EVENT),
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SAFE])
def test_fault_50_junk_of_every_kind_is_one_exception(name, mode):
    """Fault 50: the door answers 200 `success` to `Junk` and logs its kind; nothing else is ever raised."""
    body, kind = JUNK[name]

    with pytest.raises(Junk) as refusal:
        opened(body, mode)

    assert refusal.value.kind is kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<xml><ToUserName>gh_1</ToUserName></xml>", JunkKind.NO_ENCRYPT),
        (envelope(""), JunkKind.ENCRYPT),
        (envelope("no base64!"), JunkKind.ENCRYPT),
        (envelope("QUJD"), JunkKind.ENCRYPT),
        (envelope("买"), JunkKind.ENCRYPT),
    ],
)
def test_fault_50_a_safe_account_reads_no_broken_envelope(body, kind):
    """Fault 50: a signed POST whose encrypted part is missing or no ciphertext."""
    found = re.search(rb"CDATA\[(.*?)\]", body)

    with pytest.raises(Junk) as refusal:
        open_post(keys(), query(found[1].decode() if found else ""), body, NOW)

    assert refusal.value.kind is kind


def test_fault_50_ciphertext_at_an_account_without_a_key_is_junk_and_said_so():
    """Fault 50: somebody chose safe mode at WeChat and not here."""
    encrypt = sealed(TEXT)

    with pytest.raises(Junk) as refusal:
        open_post(keys(Mode.PLAIN, aes_key=None), query(encrypt), envelope(encrypt), NOW)
    assert refusal.value.kind is JunkKind.NO_KEY


@settings(max_examples=300)
@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"<xml><MsgType>{text}</MsgType></xml>".encode())
)
def test_fault_50_no_body_raises_anything_but_junk(body):
    """Fault 50: whatever is sent."""
    with pytest.raises((Junk, Unauthentic)):
        opened(body, Mode.PLAIN)
    with pytest.raises((Junk, Unauthentic)):
        opened(body, Mode.SAFE)
