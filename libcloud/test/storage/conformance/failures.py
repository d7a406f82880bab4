# SPDX-License-Identifier: Apache-2.0
"""Behaviour of uploads that fail: nothing is published or left, and the error comes through."""

from __future__ import annotations

import io

import pytest

from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.conformance.harness import Harness, pattern
from libcloud.test.storage.conformance.sources import cut, fails_after


class _SourceError(Exception):
    """Raised by the sources of this module."""


def _fails(h: Harness, size: int, error: BaseException, *, before: bytes | None = None) -> None:
    """A source that fails after ``size`` bytes changes nothing, and its error is what is raised."""
    container = h.container()
    if before is not None:
        h.put(container, "object", before)
    pieces = fails_after(cut(pattern(size), h.part_size // 3 + 1), error)
    with pytest.raises(type(error)) as caught:
        h.stream(container, "object", pieces)
    assert caught.value is error
    assert h.unfinished(container) == []
    if before is None:
        assert h.names(container) == []
        with pytest.raises(ObjectDoesNotExistError):
            h.driver.get_object(container.name, "object")
    else:
        assert h.read(container, "object") == before


def a_source_that_fails_at_once(h: Harness) -> None:
    _fails(h, 0, _SourceError("at once"))


def a_source_that_fails_within_the_first_part(h: Harness) -> None:
    _fails(h, h.part_size // 2, _SourceError("early"))


def a_source_that_fails_right_after_the_first_part(h: Harness) -> None:
    _fails(h, h.part_size, _SourceError("after one part"))


def a_source_that_fails_after_several_parts(h: Harness) -> None:
    _fails(h, h.part_size * 3 + 1, _SourceError("late"))


def an_early_keyboard_interrupt(h: Harness) -> None:
    _fails(h, 1, KeyboardInterrupt())


def a_late_keyboard_interrupt(h: Harness) -> None:
    _fails(h, h.part_size * 3, KeyboardInterrupt())


def a_late_system_exit(h: Harness) -> None:
    _fails(h, h.part_size * 2 + 1, SystemExit(3))


def a_late_generator_exit(h: Harness) -> None:
    _fails(h, h.part_size * 2 + 1, GeneratorExit())


def an_early_failure_leaves_the_existing_object_alone(h: Harness) -> None:
    _fails(h, 10, _SourceError("early"), before=b"the old one")


def a_late_failure_leaves_the_existing_object_alone(h: Harness) -> None:
    _fails(h, h.part_size * 2 + 1, _SourceError("late"), before=b"the old one")


class _BrokenFile(io.RawIOBase):
    """A file that fails when ``size`` bytes are read."""

    def __init__(self, size: int, error: OSError) -> None:
        self._data = io.BytesIO(pattern(size))
        self._error = error

    def read(self, size: int = -1) -> bytes:
        """The next bytes, or the error."""
        piece = self._data.read(size)
        if not piece:
            raise self._error
        return piece


def a_file_that_fails_after_several_parts(h: Harness) -> None:
    container = h.container()
    error = OSError(5, "Input/output error")
    with pytest.raises(OSError) as caught:
        h.stream(container, "object", _BrokenFile(h.part_size * 2 + 1, error))
    assert caught.value is error
    assert h.names(container) == []
    assert h.unfinished(container) == []


def the_driver_works_on_after_a_failure(h: Harness) -> None:
    container = h.container()
    with pytest.raises(_SourceError):
        pieces = cut(pattern(h.part_size * 2), h.part_size)
        h.stream(container, "object", fails_after(pieces, _SourceError()))
    data = pattern(h.part_size * 2 + 1)
    h.stream(container, "object", cut(data, h.part_size))
    assert h.read(container, "object") == data
