"""What Telegram is told of cards: every one once and unchanged, within the limits, in a form that Telegram accepts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.screens import CardEntry, Screen, ScreenKind
from tests.support.telegram_reading import a_choice, a_delivery, buttons, codes, files, labels, shown

ODD_ONES = [
    " x",
    "x ",
    "a\tb",
    "a\nb",
    "a\rb",
    "a\x00b",
    "\x1b[1m",
    "x\u2028y",
    "a\u202eb",
    "a\u030a",
    "\u3000x",
    "a\x85b",
]

printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(body=printable, count=st.integers(1, 500))
def test_every_one_of_up_to_500_printable_cards_is_there_once_and_unchanged(body, count):
    """Faults 44 and 45: however many and whatever is printed on them."""
    secrets = [f"{body}{n}" for n in range(count)]

    messages = shown(a_delivery(*secrets))

    if count <= 20:
        assert codes(messages) == secrets
        assert files(messages) == []
    else:
        assert codes(messages) == []
        assert [file.content for file in files(messages)] == ["".join(f"{s}\n" for s in secrets).encode()]


@given(secrets=st.lists(anything, min_size=1, max_size=30))
def test_whatever_characters_a_card_has_it_is_either_exact_in_the_chat_or_exact_in_a_file(secrets):
    """Fault 45: what Telegram would change goes into a file, byte by byte."""
    messages = shown(a_delivery(*secrets))

    in_chat = Counter(codes(messages))
    in_files = Counter(secrets) - in_chat
    assert not in_chat - Counter(secrets)
    content = b"\n".join(file.content for file in files(messages))
    assert all(content.count(secret.encode()) >= times for secret, times in in_files.items())
    assert bool(files(messages)) == bool(in_files)


@given(long=st.lists(st.integers(1, 5000), min_size=1, max_size=20), sign=st.sampled_from(["x", "&", "😀", "<"]))
def test_long_cards_are_split_over_messages_or_filed_and_none_is_torn(long, sign):
    """Fault 44: no message is longer than 4096 UTF-16 units, which the check of each message sees."""
    secrets = [f"{n}:{sign * length}" for n, length in enumerate(long)]

    messages = shown(a_delivery(*secrets))

    filed = b"\n".join(file.content for file in files(messages)).decode().split("\n")
    assert Counter([*codes(messages), *(line for line in filed if line)]) == Counter(secrets)


@pytest.mark.parametrize("secret", ODD_ONES)
def test_a_card_that_a_message_would_change_is_a_file_of_exactly_its_bytes(secret):
    (message,) = shown(a_delivery(secret))

    assert message.document.content == secret.encode()
    assert codes([message]) == []
    assert "How to use" in message.html


@pytest.mark.parametrize(
    "secret",
    ["<&_*`>", "a  b", "a\u200bb", "\u200d", "👨\u200d👩\u200d👧", "卡密 一", "&lt;", "a\u00a0b"],
)
def test_a_card_with_signs_of_any_markup_is_copied_as_it_is(secret):
    """Fault 45."""
    (message,) = shown(a_delivery(secret))

    assert codes([message]) == [secret]
    assert [button.copy for button in buttons(message)] == [secret]


def test_cards_that_are_no_utf8_are_filed_as_their_bytes():
    entry = CardEntry("crd_1").opened({"secret": "x"})
    object.__setattr__(entry.secret, "_value", b"\xff\xfe\xb1")

    (message,) = shown(Screen(ScreenKind.CARDS, "One", cards=(entry,)))

    assert message.document.content == b"\xff\xfe\xb1"


def test_twenty_cards_are_in_the_chat_and_twenty_one_in_a_file_whose_name_tells_nothing_of_them():
    secrets = [f"TX9A-{n:04}" for n in range(21)]

    assert files(shown(a_delivery(*secrets[:20]))) == []
    (message,) = shown(a_delivery(*secrets))
    assert message.document.name == "cards-aaaaae.txt"
    assert shown(a_delivery(*secrets, order=None))[0].document.name == "cards.txt"
    assert message.document.content.decode().splitlines() == secrets


def test_a_file_has_number_secret_pin_and_last_day_in_columns_and_says_so():
    cards = [{"number": f"N{n}", "secret": f"S{n}", "expires": "2026-12-31"} for n in range(20)]

    (message,) = shown(a_delivery(*cards, {"secret": "S20", "pin": "4711"}))

    rows = message.document.content.decode().splitlines()
    assert (rows[0], rows[20], len(rows)) == ("N0\tS0\t\t2026-12-31", "\tS20\t4711\t", 21)
    assert "Each line: Card number, Card key, PIN, Valid until" in message.html


def test_many_cards_of_which_some_have_line_breaks_are_two_files_and_each_is_in_one():
    messages = shown(a_delivery(*(f"S{n}" for n in range(30)), "two\nlines", "three\nlines\n"))

    assert [message.document.name for message in messages] == ["cards-aaaaae.txt", "cards-aaaaae-2.txt"]
    assert messages[0].document.content.decode().splitlines() == [f"S{n}" for n in range(30)]
    assert messages[1].document.content == (
        b"31.\nCard key:\ntwo\nlines\n" + b"\n" + b"32.\nCard key:\nthree\nlines\n\n"
    )
    assert "30 cards are in this file, one a line." in messages[0].html
    assert "2 cards of several lines each are in this file." in messages[1].html


def test_usage_too_long_for_a_caption_follows_the_file_and_keeps_the_buttons():
    screen = a_delivery(" x", text="Card × 1\nHow to use\n" + "step " * 300, options=(a_choice("Menu"),))

    file, rest = shown(screen)

    assert file.document.content == b" x"
    assert (labels(file), labels(rest)) == ([], [["Menu"]])
    assert rest.html.startswith("<b>How to use</b>\nstep step")


@pytest.mark.parametrize(
    "secret",
    [
        "https://gift.example/r/A9?x=1&y=2#z",
        "HTTP://GIFT.EXAMPLE:8443/A",
        "https://gift.example",
        "http://203.0.113.9:65535/a",
    ],
)
def test_a_link_card_is_opened_by_its_button_and_never_previewed(secret):
    (message,) = shown(a_delivery(secret))

    assert [(button.text, button.url, button.copy) for button in buttons(message)] == [("Open the link", secret, None)]
    assert codes([message]) == [secret]
    assert message.as_parameters()["link_preview_options"] == {"is_disabled": True}


@pytest.mark.parametrize(
    "secret",
    [
        "http://localhost/a",
        "https://gift.example:65536/a",
        "https://-.example",
        "https://gift.example/a b",
        "https://gift.example/卡",
        "javascript:alert(1)",
        "https://user@gift.example/",
        "tg://user?id=1",
        "https://" + "a" * 2100 + ".example",
    ],
)
def test_an_address_that_telegram_would_refuse_as_a_button_is_only_text(secret):
    """Telegram refuses the whole message for one bad button: the cards would never arrive."""
    (message,) = shown(a_delivery(secret))

    assert [button.url for button in buttons(message) if button.url] == []
    assert codes([message]) == [secret]


@pytest.mark.parametrize(
    ("secret", "copied"), [("x" * 256, True), ("x" * 257, False), ("😀" * 128, True), ("😀" * 129, False)]
)
def test_what_is_longer_than_256_units_has_no_copy_button_but_is_copied_by_a_tap(secret, copied):
    (message,) = shown(a_delivery(secret))

    assert [button.copy for button in buttons(message)] == ([secret] if copied else [])
    assert codes([message]) == [secret]


def test_several_short_cards_are_copied_at_once_in_their_order():
    (message,) = shown(a_delivery("S1", "S2", "S3"))

    assert labels(message) == [["Copy 1", "Copy 2"], ["Copy 3", "Copy all"]]
    assert buttons(message)[-1].copy == "S1\nS2\nS3"


def test_a_card_of_several_fields_has_a_row_that_copies_each():
    card = {"number": "8800", "secret": "S", "pin": "12", "expires": "2026-12-31"}

    one = shown(a_delivery(card))[0]
    two = shown(a_delivery(card, card))[0]

    assert labels(one) == [["Copy number", "Copy key", "Copy PIN"]]
    assert labels(two)[1] == ["Copy number 2", "Copy key 2", "Copy PIN 2"]
    assert "Card number: <code>8800</code>\nCard key: <code>S</code>\nPIN: <code>12</code>\nValid until" in one.html
    assert two.html.count("Valid until December 31, 2026") == 1


def test_a_last_day_that_is_no_iso_date_delays_no_card():
    (message,) = shown(a_delivery({"secret": "S", "expires": "next year"}))

    assert "<code>S</code>\nValid until next year" in message.html


def test_a_card_that_was_not_opened_shows_its_mask_and_nothing_to_copy():
    (message,) = shown(Screen(ScreenKind.CARDS, "One\nKeep it", cards=(CardEntry("crd_1", "A9-****"),)))

    assert "\nA9-****\n" in message.html
    assert (buttons(message), codes([message])) == ([], [])


def test_no_card_shows_when_messages_are_printed():
    for cards in [("TOP-SECRET",), (" TOP-SECRET",), ("https://top-secret.example/a",)]:
        printed = repr(shown(a_delivery(*cards))).lower()

        assert "top-secret" not in printed


def test_only_what_is_worth_stealing_is_protected_and_only_where_the_merchant_wants_it():
    home = Screen(ScreenKind.MENU, "Hello")

    assert [m.as_parameters().get("protect_content") for m in shown(a_delivery("S", " x"), protect=True)] == [
        True,
        True,
    ]
    assert "protect_content" not in shown(a_delivery("S"))[0].as_parameters()
    assert "protect_content" not in shown(home, protect=True)[0].as_parameters()
