# SPDX-License-Identifier: Apache-2.0
"""Times and ETags as stores write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.utils.headers import parse_time, strip_etag

MOMENT = datetime(2011, 4, 9, 19, 3, 49, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-04-09T19:03:49.000Z", MOMENT),
        ("2011-04-09T19:03:49Z", MOMENT),
        (" 2011-04-09T19:03:49z\n", MOMENT),
        ("2011-04-09T19:03:49", MOMENT),
        ("2011-04-09T19:03:49.5Z", MOMENT + timedelta(microseconds=500_000)),
        ("2011-04-09T19:03:49.123456789Z", MOMENT + timedelta(microseconds=123_456)),
        ("2011-04-09T21:03:49.000+02:00", MOMENT),
    ],
)
def test_a_time_is_aware_whatever_its_fraction(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", [None, "", "yesterday", "2011-13-09T19:03:49Z", "49.", "Z"])
def test_an_invalid_time_is_none(text: str | None) -> None:
    assert parse_time(text) is None


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    when = parse_time(text)
    assert when is None or when.tzinfo is not None


@pytest.mark.parametrize("etag", ["abc-2", '"abc-2"', ' "abc-2" ', 'W/"abc-2"'])
def test_an_etag_loses_its_quotes_only(etag: str) -> None:
    assert strip_etag(etag) == "abc-2"
