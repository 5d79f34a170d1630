"""Seals open for exactly what they were made for; anything else is one error (INV-K2)."""

from __future__ import annotations

import dataclasses
import io
import os
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.vault import seal
from core.vault.chunks import CHUNK_BYTES, ChunkSealer, open_chunks
from core.vault.primitives import SealError, framed, public_of
from core.vault.seal import BatchContext, BatchStatement, CardContext, SealedLine, SealedOrder

PRIVATE, PUBLIC = seal.generate_keypair()
OTHER_PRIVATE, OTHER_PUBLIC = seal.generate_keypair()
SIGN_KEY = seal.generate_sign_key()
VAULT, BATCH, CARD = (UUID(int=n) for n in (1, 2, 3))
BATCH_KEY = bytes(range(32))
CONTEXT = CardContext(vault=VAULT, owner=7, batch=BATCH, card=CARD)
FIELDS = {"secret": "A1B2-卡密", "number": "0047957329766438", "pin": "99", "expires": "2027-12-31"}


def flipped(raw: bytes, bit: int) -> bytes:
    bit %= len(raw) * 8
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def a_sealed_card() -> bytes:
    return seal.seal_card(BATCH_KEY, os.urandom(12), FIELDS, CONTEXT)


def an_order() -> SealedOrder:
    lines = tuple(SealedLine(line=UUID(int=n), sku=n, quantity=n, total_minor=100 * n) for n in (11, 12))
    return SealedOrder(UUID(int=10), 5, UUID(int=20), "telegram:1:2", lines, "CNY", 26500)


def a_statement() -> BatchStatement:
    return BatchStatement(VAULT, BATCH, 3, 7, 1204, bytes(32), seal.batch_key_hash(BATCH_KEY, BATCH))


def test_a_card_opens_in_its_own_context_with_all_its_fields() -> None:
    sealed = a_sealed_card()

    assert seal.open_card(BATCH_KEY, sealed, CONTEXT) == FIELDS
    assert FIELDS["secret"].encode() not in sealed


@pytest.mark.parametrize(
    "foreign",
    [{"vault": UUID(int=9)}, {"owner": 8}, {"batch": UUID(int=9)}, {"card": UUID(int=9)}],
    ids=["other vault", "other merchant", "other batch", "other card"],
)
def test_inv_k2_a_card_moved_to_another_context_does_not_open(foreign: dict[str, object]) -> None:
    sealed = a_sealed_card()

    with pytest.raises(SealError):
        seal.open_card(BATCH_KEY, sealed, dataclasses.replace(CONTEXT, **foreign))


@given(bit=st.integers(0, 10**6), where=st.sampled_from(["sealed", "key"]))
def test_inv_k2_one_flipped_bit_of_a_card_is_a_seal_error(bit: int, where: str) -> None:
    sealed = a_sealed_card()
    parts = {"sealed": sealed, "key": BATCH_KEY}
    parts[where] = flipped(parts[where], bit)

    with pytest.raises(SealError):
        seal.open_card(parts["key"], parts["sealed"], CONTEXT)


def test_a_batch_key_opens_only_for_its_vault_key_and_its_batch() -> None:
    context = BatchContext(VAULT, BATCH)
    sealed = seal.seal_batch_key(PUBLIC, BATCH_KEY, context)

    assert seal.open_batch_key(PRIVATE, sealed, context) == BATCH_KEY
    assert len(sealed) == 1168
    for private, other in (
        (OTHER_PRIVATE, context),
        (PRIVATE, BatchContext(VAULT, CARD)),
        (PRIVATE, BatchContext(CARD, BATCH)),
    ):
        with pytest.raises(SealError):
            seal.open_batch_key(private, sealed, other)


@settings(max_examples=60)
@given(bit=st.integers(0, 10**6))
def test_inv_k2_one_flipped_bit_of_a_sealed_batch_key_is_a_seal_error(bit: int) -> None:
    sealed = seal.seal_batch_key(PUBLIC, BATCH_KEY, BatchContext(VAULT, BATCH))

    with pytest.raises(SealError):
        seal.open_batch_key(PRIVATE, flipped(sealed, bit), BatchContext(VAULT, BATCH))


@pytest.mark.parametrize("raw", [b"", b"short", b"\0" * 1168, PUBLIC])
def test_what_is_no_seal_and_no_key_is_the_same_error(raw: bytes) -> None:
    for attempt in (
        lambda: seal.open_batch_key(PRIVATE, raw, BatchContext(VAULT, BATCH)),
        lambda: seal.open_batch_key(raw, raw, BatchContext(VAULT, BATCH)),
        lambda: seal.open_card(BATCH_KEY, raw, CONTEXT),
        lambda: seal.open_inbox(BATCH_KEY, raw, b"context"),
        lambda: seal.seal_batch_key(raw[:40], BATCH_KEY, BatchContext(VAULT, BATCH)),
    ):
        with pytest.raises(SealError, match=r"^the seal does not open$"):
            attempt()


def test_a_key_file_holds_the_pair_and_its_id_names_the_public_half() -> None:
    assert (len(PRIVATE), len(PUBLIC)) == (104, 1224)
    assert public_of(PRIVATE) == PUBLIC
    assert seal.key_id(PUBLIC) != seal.key_id(OTHER_PUBLIC)
    assert len(seal.key_id(PUBLIC)) == 16


@pytest.mark.parametrize(
    "altered",
    [
        {"vault": CARD},
        {"batch": CARD},
        {"sku": 4},
        {"owner": 8},
        {"count": 1205},
        {"source_hash": b"\1" * 32},
        {"batch_key_hash": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signed_batch_holds_only_as_it_was_signed(altered: dict[str, object]) -> None:
    signature = seal.sign_batch(SIGN_KEY, a_statement())

    seal.check_batch(seal.verify_key(SIGN_KEY), a_statement(), signature)
    with pytest.raises(SealError):
        seal.check_batch(seal.verify_key(SIGN_KEY), dataclasses.replace(a_statement(), **altered), signature)
    with pytest.raises(SealError):
        seal.check_batch(seal.verify_key(seal.generate_sign_key()), a_statement(), signature)


def altered_orders() -> list[SealedOrder]:
    order, (first, second) = an_order(), an_order().lines
    return [
        dataclasses.replace(order, order=UUID(int=99)),
        dataclasses.replace(order, merchant=6),
        dataclasses.replace(order, identity=UUID(int=99)),
        dataclasses.replace(order, chat_address="telegram:1:3"),
        dataclasses.replace(order, currency="USD"),
        dataclasses.replace(order, total_minor=0),
        dataclasses.replace(order, lines=(first,)),
        dataclasses.replace(order, lines=(*order.lines, dataclasses.replace(first, line=UUID(int=13)))),
        *(
            dataclasses.replace(order, lines=(dataclasses.replace(first, **change), second))
            for change in ({"line": UUID(int=14)}, {"sku": 99}, {"quantity": 12}, {"total_minor": 1})
        ),
    ]


@pytest.mark.parametrize("altered", altered_orders())
def test_an_order_seal_breaks_with_any_altered_field(altered: SealedOrder) -> None:
    key = b"k" * 32
    made = seal.order_seal(key, an_order())

    seal.check_order_seal(key, an_order(), made)
    with pytest.raises(SealError):
        seal.check_order_seal(key, altered, made)


def test_an_order_seal_needs_a_real_key_and_ignores_the_order_of_lines() -> None:
    order = an_order()

    assert seal.order_seal(b"k" * 32, order) == seal.order_seal(
        b"k" * 32, dataclasses.replace(order, lines=order.lines[::-1])
    )
    assert seal.order_seal(b"k" * 32, order) != seal.order_seal(b"l" * 32, order)
    with pytest.raises(SealError):
        seal.order_seal(b"", order)


def test_an_answer_opens_with_the_bearer_token_and_with_no_other() -> None:
    public = seal.answer_public_key("the-token")
    sealed = seal.seal_answer(public, b"cards", b"conversation 1")

    assert public == seal.answer_public_key("the-token")
    assert seal.open_answer("the-token", sealed, b"conversation 1") == b"cards"
    for token, context in (("the-token2", b"conversation 1"), ("the-token", b"conversation 2")):
        with pytest.raises(SealError):
            seal.open_answer(token, sealed, context)


def test_an_inbox_body_opens_only_under_its_event() -> None:
    sealed = seal.seal_inbox(BATCH_KEY, "买 A1 2".encode(), b"bot 1 event 2")

    assert seal.open_inbox(BATCH_KEY, sealed, b"bot 1 event 2").decode() == "买 A1 2"
    with pytest.raises(SealError):
        seal.open_inbox(BATCH_KEY, sealed, b"bot 1 event 3")


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_different_lists_of_parts_never_frame_to_the_same_bytes(one: list[bytes], other: list[bytes]) -> None:
    assert (framed(*one) == framed(*other)) == (one == other)


def a_sealed_file(plaintext: bytes) -> tuple[UUID, ChunkSealer, list[bytes]]:
    upload = uuid4()
    sealer = ChunkSealer(public=PUBLIC, vault=VAULT, upload=upload)
    return upload, sealer, list(sealer.seal_file(io.BytesIO(plaintext)))


def opened(upload: UUID, sealer: ChunkSealer, chunks: list[bytes]) -> bytes:
    return b"".join(open_chunks(chunks, privates=[PRIVATE], sealed_key=sealer.sealed_key, vault=VAULT, upload=upload))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_an_upload_of_any_size_comes_back_whole(size: int) -> None:
    plaintext = os.urandom(size)
    upload, sealer, chunks = a_sealed_file(plaintext)

    assert opened(upload, sealer, chunks) == plaintext
    assert sealer.size == size
    assert len(chunks) == max(1, -(-size // CHUNK_BYTES))


@pytest.mark.parametrize(
    "tampered",
    [
        lambda c: c[:-1],
        lambda c: c[1:],
        lambda c: [c[1], c[0], c[2]],
        lambda c: [c[0], c[0], *c[1:]],
        lambda c: [*c, c[-1]],
        lambda c: [],
        lambda c: [flipped(c[0], 77), *c[1:]],
    ],
    ids=["truncated", "head missing", "reordered", "duplicated", "end doubled", "empty", "bit flipped"],
)
def test_an_upload_that_was_tampered_with_never_ends_well(tampered) -> None:
    upload, sealer, chunks = a_sealed_file(os.urandom(2 * CHUNK_BYTES + 5))

    with pytest.raises(SealError):
        opened(upload, sealer, tampered(chunks))


def test_chunks_of_one_upload_do_not_open_as_another_upload() -> None:
    upload, sealer, chunks = a_sealed_file(b"rows")
    other, other_sealer, other_chunks = a_sealed_file(b"rows")

    for number, key, rows in ((other, sealer, chunks), (upload, other_sealer, chunks), (upload, sealer, other_chunks)):
        with pytest.raises(SealError):
            opened(number, key, rows)


def test_nothing_is_sealed_after_the_last_chunk() -> None:
    _, sealer, _ = a_sealed_file(b"rows")

    with pytest.raises(SealError):
        sealer.seal(b"more", last=True)
