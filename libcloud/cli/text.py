# SPDX-License-Identifier: Apache-2.0
"""Formats and parses sizes, durations, byte ranges and names."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

from libcloud.storage.capabilities import GIB, KIB, MIB, TIB

_UNITS = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}
_SIZES = {"": 1, "B": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
_DECIMAL = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SECONDS = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400, "W": 604800}


def size_text(size: float) -> str:
    """Bytes in the largest unit that fits.

    >>> size_text(999), size_text(1536), size_text(12.34 * 1024 ** 2)
    ('999 B', '1.5 KiB', '12.3 MiB')
    """
    unit = "B"
    for name, value in _UNITS.items():
        # Without the tolerance, 1023.99 MiB would be formatted as 1024.0 MiB.
        if size >= value * (0.99995 if value > 1 else 1):
            unit = name
    return f"{size:.0f} B" if unit == "B" else f"{size / _UNITS[unit]:.1f} {unit}"


def parse_size(text: str) -> int:
    """Parse ``64MiB``, ``64M``, ``5GB`` (decimal) or ``1000``. :raises ValueError: it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Z]*)", text.strip().upper())
    unit = match[2] if match else "?"
    factor = _DECIMAL.get(unit) or _SIZES.get(unit.removesuffix("IB") if len(unit) == 3 else unit)
    if not match or factor is None:
        raise ValueError(
            f"{text!r} is not a valid size: use 64MiB, 1.5GiB, 5GB or a number of bytes"
        )
    return int(float(match[1]) * factor) if "." in match[1] else int(match[1]) * factor


def parse_duration(text: str) -> timedelta:
    """Parse ``90s``, ``12h``, ``7d``, ``2w`` or seconds. :raises ValueError: it is none."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*([A-Z]?)", text.strip().upper())
    if not match or match[2] not in _SECONDS:
        raise ValueError(f"{text!r} is not a valid duration: use 90s, 15m, 12h, 7d or 2w")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def parse_range(text: str, size: int) -> tuple[int, int]:
    """The first byte, and the byte after the last, of a range as in HTTP and curl.

    :param size: of the object, bytes.
    :raises ValueError: ``text`` is not a valid range, or starts after the end of the object.

    >>> parse_range("0-499", 1000), parse_range("900-", 1000), parse_range("-10", 1000)
    ((0, 500), (900, 1000), (990, 1000))
    """
    match = re.fullmatch(r"(\d*)-(\d*)", text.strip())
    if not match or match[0].strip() == "-":
        raise ValueError(f"{text!r} is not a valid range: use 0-499, 500- or -500")
    first, last = match[1], match[2]
    if not first:
        return max(0, size - int(last)), size
    start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= size or end <= start:
        raise ValueError(f"the range {text} is outside the object, which has {size} bytes")
    return start, end


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours.

    >>> duration(9.6), duration(75), duration(3723)
    ('0:10', '1:15', '1:02:03')
    """
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    clock = f"{minutes:02}" if hours else f"{minutes}"
    return f"{hours}:{clock}:{whole % 60:02}" if hours else f"{clock}:{whole % 60:02}"


def count(number: int, noun: str) -> str:
    """A number and a noun, in the plural if needed.

    >>> count(1, "part"), count(2, "part")
    ('1 part', '2 parts')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """``text`` on one line, with control characters escaped.

    >>> printable("a\\x1b[31mb\\nc")
    'a\\\\x1b[31mb\\\\nc'
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def shortened(text: str, columns: int) -> str:
    """``text`` in at most ``columns`` columns; the middle of longer text is elided.

    >>> shortened("2026/11/22/photo.jpeg", 11)
    '2026/….jpeg'
    """
    if width(text) <= columns:
        return text
    head, tail = text[: max(0, columns // 2)], text[len(text) - max(0, (columns - 1) // 2) :]
    while head and width(head) + 1 + width(tail) > columns:
        head, tail = (head[:-1], tail) if width(head) >= width(tail) else (head, tail[1:])
    return f"{head}…{tail}" if columns > 0 else ""
