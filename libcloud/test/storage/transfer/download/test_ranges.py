# SPDX-License-Identifier: Apache-2.0
"""Which bytes of which version of an object a response brings."""

from __future__ import annotations

import pytest

from libcloud.storage.transfer.download.port import (
    Extent,
    UnexpectedExtentError,
    Validator,
    extent_of,
)


def ranged(told: str = "", length: int | None = None) -> dict[str, str]:
    headers = {"content-range": told} if told else {}
    return headers if length is None else {**headers, "content-length": str(length)}


@pytest.mark.parametrize(
    ("headers", "start", "end", "extent"),
    [
        (ranged("bytes 100-199/1000", 100), 100, 200, Extent(100, 1000)),
        (ranged("bytes 100-199/*"), 100, 200, Extent(100, None)),
        (ranged("bytes=0-9/10", 10), 0, None, Extent(10, 10)),
        (ranged("bytes 900-999/1000"), 900, 2000, Extent(100, 1000)),
        (ranged("bytes 900-999/1000"), 900, None, Extent(100, 1000)),
        (ranged("bytes 900-999/1000"), -100, None, Extent(100, 1000)),
        (ranged("bytes 0-9/10", 10), -100, None, Extent(10, 10)),
    ],
)
def test_a_range_as_requested(
    headers: dict[str, str], start: int, end: int | None, extent: Extent
) -> None:
    assert extent_of(206, headers, start=start, end=end) == extent
    assert extent_of(200, headers, start=start, end=end) == extent  # as rclone answers


@pytest.mark.parametrize(
    "headers",
    [
        ranged("bytes 0-99/1000"),
        ranged("bytes 100-299/1000"),
        ranged("bytes 100-149/1000"),
        ranged("bytes 200-199/1000"),
        ranged("bytes 100-199/1000", 300),
        ranged("bytes 100-199/1000", 50),
        ranged("bytes */1000"),
        ranged("items 100-199/1000"),
        ranged("bytes 100-299/*"),
        ranged("", 300),
        {"content-type": "multipart/byteranges; boundary=x"},
    ],
)
def test_another_range_than_the_requested_one(headers: dict[str, str]) -> None:
    with pytest.raises(UnexpectedExtentError):
        extent_of(206, headers, start=100, end=200)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        ranged("", 100),
        ranged("bytes 0-99/1000"),
        ranged("bytes 800-999/1000"),
        ranged("bytes 900-998/1000"),
        ranged("bytes 900-999/*"),
    ],
)
def test_other_bytes_than_the_last_ones(headers: dict[str, str]) -> None:
    with pytest.raises(UnexpectedExtentError):
        extent_of(206, headers, start=-100)


@pytest.mark.parametrize("headers", [{}, ranged("", 1000), ranged("", 100)])
def test_a_whole_object_instead_of_a_range(headers: dict[str, str]) -> None:
    with pytest.raises(UnexpectedExtentError, match="whole"):
        extent_of(200, headers, start=100, end=200)
    with pytest.raises(UnexpectedExtentError, match="whole"):
        extent_of(200, headers, start=0, end=50, size=1000)


def test_a_whole_object_is_the_range_of_all_its_bytes() -> None:
    assert extent_of(200, ranged("", 10), start=0, end=None) == Extent(10, 10)
    assert extent_of(200, ranged("", 10), start=0, end=20) == Extent(10, 10)


def test_a_range_without_a_name_must_have_the_right_size() -> None:
    assert extent_of(206, {}, start=5, end=7, size=10) == Extent(2, None)
    assert extent_of(206, {}, start=5, end=None, size=10) == Extent(5, None)
    assert extent_of(206, ranged("", 2), start=5, end=7) == Extent(2, None)
    with pytest.raises(UnexpectedExtentError):
        extent_of(206, ranged("", 1), start=5, end=7, size=10)


def test_the_length_of_a_whole_object() -> None:
    assert extent_of(200, ranged("", 10)) == Extent(10, 10)
    assert extent_of(200, {}) == Extent(None, None)
    assert extent_of(200, {"transfer-encoding": "chunked", **ranged("", 10)}).length is None
    with pytest.raises(UnexpectedExtentError):
        extent_of(200, ranged("bytes 5-9/10", 5))


@pytest.mark.parametrize(
    ("validator", "conditions"),
    [
        (Validator('"a"', "Sun, 29 Nov 2026 08:00:00 GMT"), {"If-Match": '"a"'}),
        (Validator('W/"a"', "then"), {"If-Unmodified-Since": "then"}),
        (Validator("", "then"), {"If-Unmodified-Since": "then"}),
        (Validator('W/"a"'), {}),
    ],
)
def test_conditions_of_a_version(validator: Validator, conditions: dict[str, str]) -> None:
    assert validator.conditions() == conditions


@pytest.mark.parametrize(
    ("headers", "total", "agrees"),
    [
        ({"etag": '"a"'}, None, True),
        ({"etag": "a"}, 10, True),
        ({"etag": 'W/"a"', "last-modified": "later"}, 10, True),
        ({"etag": '"b"', "last-modified": "then"}, 10, False),
        ({"etag": '"a"'}, 11, False),
        ({"last-modified": "then"}, None, True),
        ({"last-modified": "later"}, None, False),
        ({}, None, True),
    ],
)
def test_whether_a_response_is_of_a_version(
    headers: dict[str, str], total: int | None, agrees: bool
) -> None:
    assert Validator('"a"', "then", 10).agrees(headers, total) is agrees
