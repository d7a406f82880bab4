# SPDX-License-Identifier: Apache-2.0
"""A source whose size is announced: how much is asked for, and what happens if it has more."""

from __future__ import annotations

import pytest

from libcloud.storage.transfer.values import Pull, Step
from libcloud.storage.types import SizeMismatchError
from libcloud.test.storage.transfer.upload.by_hand import do, ended, machine, pull


@pytest.mark.parametrize(("announced", "asked"), [(0, 1), (4, 5), (9, 10), (10, 10), (25, 10)])
def test_a_part_is_at_most_one_byte_larger_than_the_known_rest(announced: int, asked: int) -> None:
    assert machine(expected_size=announced).poll() == Pull(1, asked)


def test_a_source_longer_than_announced_is_noticed_before_anything_is_sent() -> None:
    upload = machine(expected_size=4)
    pull(upload, 5)
    assert ended(upload)
    assert isinstance(upload.error, SizeMismatchError)


def test_a_source_that_continues_after_the_announced_size_is_not_published() -> None:
    upload = machine(expected_size=10)
    pull(upload, 10)
    do(upload, Step.CREATE)
    do(upload, Step.PART, 1)
    assert upload.poll() == Pull(2, 1)
    upload.pulled(1, False)
    do(upload, Step.ABORT)
    assert ended(upload)
    assert isinstance(upload.error, SizeMismatchError)
