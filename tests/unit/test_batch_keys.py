"""A data key is opened once as long as nothing that it depends on has changed."""

from uuid import uuid4

import pytest

from core.custody.openings.batch_keys import MOST, BatchKeys, Signed

ROW = Signed(uuid4(), 1, 2, 300, b"hash", b"sealed", b"signature")


def test_the_same_row_is_opened_once() -> None:
    keys, opened = BatchKeys(), []

    for _ in range(3):
        assert keys.of(ROW, lambda: opened.append(1) or b"key") == b"key"  # type: ignore[func-returns-value]

    assert opened == [1]


@pytest.mark.parametrize("field", Signed._fields)
def test_a_row_with_anything_changed_is_opened_afresh_and_judged_by_itself(field: str) -> None:
    keys = BatchKeys()
    keys.of(ROW, lambda: b"key")
    value = getattr(ROW, field)
    changed = {int: lambda: value + 1, bytes: lambda: value + b"!"}.get(type(value), uuid4)()

    assert keys.of(ROW._replace(**{field: changed}), lambda: None) is None


def test_what_does_not_open_is_tried_again() -> None:
    keys = BatchKeys()

    assert keys.of(ROW, lambda: None) is None
    assert keys.of(ROW, lambda: b"key") == b"key"


def test_a_version_that_has_gone_takes_its_keys_along_and_no_more_than_so_many_are_kept() -> None:
    keys = BatchKeys()
    keys.of(ROW, lambda: b"key")
    keys.forget()
    assert keys.of(ROW, lambda: None) is None

    keys.of(ROW, lambda: b"key")
    for number in range(MOST):
        keys.of(ROW._replace(sku=100 + number), lambda: b"other")
    assert keys.of(ROW, lambda: None) is None
