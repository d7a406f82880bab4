# SPDX-License-Identifier: Apache-2.0
"""Dates in ISO 8601 format, for programs; the library uses ``headers.py``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

ISO8601_REGEX = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d{1,2})(?:-?(?P<day>\d{1,2})"
    r"(?:[ T](?P<hour>\d{2})(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d+))?)?)?(?P<timezone>Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?$"
)
TIMEZONE_REGEX = re.compile(r"(?P<sign>[+-])(?P<hours>\d{2})(?::?(?P<minutes>\d{2}))?$")

ZERO = timedelta(0)


class ParseError(ValueError):
    """The text is not a valid date."""


class Utc(tzinfo):
    def utcoffset(self, dt: datetime | None) -> timedelta:
        return ZERO

    dst = utcoffset

    def tzname(self, dt: datetime | None) -> str:
        return "UTC"


UTC = Utc()


class FixedOffset(tzinfo):
    """A time zone with the same offset all year, hours and minutes east of UTC."""

    def __init__(self, offset_hours: int, offset_minutes: int, name: str) -> None:
        self._offset = timedelta(hours=offset_hours, minutes=offset_minutes)
        self._name = name

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return self._offset

    def tzname(self, dt: datetime | None) -> str:
        return self._name

    def dst(self, dt: datetime | None) -> timedelta:
        return ZERO

    def __repr__(self) -> str:
        return f"<FixedOffset {self._name!r}>"

    def __getinitargs__(self) -> tuple[int, int, str]:
        return 0, self._offset // timedelta(minutes=1), self._name


def parse_timezone(tzstring: str | None, default_timezone: tzinfo | None = UTC) -> tzinfo | None:
    """Parse ``Z``, ``+02:00``, ``+0200`` or ``+02``; without text, return the default."""
    if tzstring is None:
        return default_timezone
    if tzstring == "Z":
        return UTC
    match = TIMEZONE_REGEX.match(tzstring)
    if match is None:
        raise ParseError(f"Unable to parse time zone {tzstring!r}")
    sign = -1 if match["sign"] == "-" else 1
    return FixedOffset(sign * int(match["hours"]), sign * int(match["minutes"] or 0), tzstring)


def parse_date(
    datestring: str | None, default_timezone: tzinfo | None = UTC, allow_empty: bool = False
) -> datetime | None:
    """Parse a date; omitted parts default to the first month, day, hour and so on.

    :param default_timezone: for a text without a time zone; ``None``: return a naive date.
    :param allow_empty: return ``None`` for an empty text instead of raising an error.
    :raises ValueError: the text is empty.
    :raises ParseError: the text is not a date.

    >>> parse_date("2024-02-29T12:30:00.25+02:00").isoformat()
    '2024-02-29T12:30:00.250000+02:00'
    """
    if not datestring:
        if allow_empty:
            return None
        raise ValueError("datestring must be a date, it is empty")
    match = ISO8601_REGEX.match(datestring)
    if match is None:
        raise ParseError(f"Unable to parse date string {datestring!r}")
    # In floating point, as Apache Libcloud computes it: its drivers' tests compare the result.
    microsecond = int(float(f"0.{match['fraction'] or 0}") * 1_000_000)
    try:
        return datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            microsecond,
            parse_timezone(match["timezone"], default_timezone),
        )
    except ValueError as error:
        raise ParseError(f"Unable to parse date string {datestring!r}: {error}") from error


def parse_date_allow_empty(
    datestring: str | None, default_timezone: tzinfo | None = UTC
) -> datetime | None:
    return parse_date(datestring, default_timezone, allow_empty=True)
