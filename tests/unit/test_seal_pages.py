"""Answers sealed to a page's own P-256 pair: its reader opens them, nobody else and nothing altered does (INV-K2)."""

from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from core.vault.primitives import SealError, check_point
from core.vault.seal import answer_context, seal_answer
from tests.support.page_reader import (
    VECTOR,
    VECTOR_DELIVERY,
    VECTOR_READER,
    VECTOR_TEXT,
    PageReader,
    vector_reader,
)

CONTEXT = answer_context(delivery=UUID(int=7), session=UUID(int=8))
READER = PageReader()


def opens(reader: PageReader, sealed: bytes, context: bytes) -> bool:
    try:
        reader.open(sealed, context)
    except (InvalidTag, ValueError):
        return False
    return True


def test_the_format_is_the_one_of_the_kept_vector() -> None:
    context = answer_context(delivery=VECTOR_DELIVERY, session=VECTOR_READER)

    assert vector_reader().open(VECTOR, context).decode() == VECTOR_TEXT
    assert len(VECTOR) == len(VECTOR_TEXT.encode()) + 94


@given(st.binary(max_size=300), st.uuids(), st.uuids())
def test_what_is_sealed_to_a_page_is_what_its_reader_opens(plaintext: bytes, delivery: UUID, session: UUID) -> None:
    context = answer_context(delivery=delivery, session=session)

    assert READER.open(seal_answer(READER.point, plaintext, context), context) == plaintext


def test_another_reader_delivery_or_session_opens_nothing() -> None:
    """INV-K2."""
    sealed = seal_answer(READER.point, b"cards", CONTEXT)

    assert opens(READER, sealed, CONTEXT)
    assert not opens(PageReader(), sealed, CONTEXT)
    assert not opens(READER, sealed, answer_context(delivery=UUID(int=9), session=UUID(int=8)))
    assert not opens(READER, sealed, answer_context(delivery=UUID(int=7), session=UUID(int=9)))


@given(st.data())
def test_one_flipped_bit_anywhere_opens_nothing(data: st.DataObject) -> None:
    """INV-K2."""
    sealed = bytearray(seal_answer(READER.point, b"cards", CONTEXT))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))

    assert not opens(READER, bytes(sealed), CONTEXT)


def test_the_same_answer_is_never_sealed_twice_alike() -> None:
    assert seal_answer(READER.point, b"cards", CONTEXT) != seal_answer(READER.point, b"cards", CONTEXT)


def test_one_pages_seal_cannot_be_moved_to_another_page() -> None:
    other = PageReader()
    sealed = seal_answer(other.point, b"cards", CONTEXT)

    assert opens(other, sealed, CONTEXT)
    assert not opens(READER, sealed, CONTEXT)


COMPRESSED = READER.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(COMPRESSED, id="compressed"),
        pytest.param(b"\x04" + bytes(64), id="not on the curve"),
        pytest.param(b"\x04" + b"\xff" * 64, id="beyond the field"),
        pytest.param(b"\x00" + bytes(64), id="infinity"),
        pytest.param(b"\x06" + READER.point[1:], id="hybrid"),
        pytest.param(READER.point + b"\x00", id="too long"),
        pytest.param(
            ec.generate_private_key(ec.SECP256K1())
            .public_key()
            .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            id="of another curve",
        ),
    ],
)
def test_bytes_that_are_no_point_are_refused(point: bytes) -> None:
    with pytest.raises(SealError):
        check_point(point)
    with pytest.raises(SealError):
        seal_answer(point, b"cards", answer_context(delivery=uuid4(), session=uuid4()))


def test_a_point_of_the_curve_is_taken() -> None:
    check_point(READER.point)
