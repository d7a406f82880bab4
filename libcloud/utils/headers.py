# SPDX-License-Identifier: Apache-2.0
"""Values of HTTP headers and listings: hosts with ports, as in URLs, ETags and dates."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_DEFAULT_PORTS = {"http": 80, "https": 443}


def authority(host: str, port: int | None, *, scheme: str) -> str:
    """``host`` and ``port`` as in a URL and in the ``Host`` header.

    :param host: name or address; an IPv6 address with or without brackets. A name, or an address
        in brackets, may include a port, as in Apache Libcloud, if ``port`` is the scheme's default.
    :param port: omitted if it is ``None`` or the scheme's default.

    >>> authority("::1", 9000, scheme="http"), authority("h", 443, scheme="https")
    ('[::1]:9000', 'h')
    >>> authority("h", 443, scheme="http"), authority("h", 80, scheme="https")
    ('h:443', 'h:80')
    """
    name = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    return name if port in (None, _DEFAULT_PORTS[scheme]) else f"{name}:{port}"


def without_brackets(host: str) -> str:
    """``host``, without brackets if all of it is in them.

    >>> without_brackets("[::1]"), without_brackets("[::1]:9000")
    ('::1', '[::1]:9000')
    """
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def strip_etag(etag: str) -> str:
    """``etag`` without its quotes and without the prefix of a weak one; otherwise opaque."""
    etag = etag.strip()
    return etag[2:].strip('"') if etag[:2] == "W/" else etag.strip('"')


def http_date(text: str) -> datetime | None:
    """The date in a header, aware; ``None`` if it is invalid."""
    from email.utils import parsedate_to_datetime  # 5 ms, and most programs need no date

    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def parse_time(text: str | None) -> datetime | None:
    """The aware time that ``text`` in a listing represents; ``None`` if it is invalid.

    >>> parse_time("2010-11-10T20:48:33.000Z")
    datetime.datetime(2010, 11, 10, 20, 48, 33, tzinfo=datetime.timezone.utc)
    """
    for form in (str, _form_of_python_3_10):
        try:
            when = datetime.fromisoformat(form(text or ""))
        except ValueError:
            continue
        return when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return None


def _form_of_python_3_10(text: str) -> str:
    text = text.strip()
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    # It reads three or six digits after the point; Go's servers send up to nine.
    return re.sub(r"\.(\d*)", lambda match: f".{match[1][:6]:0<6}", text, count=1, flags=re.ASCII)


def time_of(value: object) -> datetime | None:
    """The aware time of a property: text of HTTP or XML, or seconds since 1970.

    >>> time_of("Wed, 10 Nov 2010 20:48:33 GMT") == time_of("2010-11-10T20:48:33Z")
    True
    """
    when = None
    try:
        if isinstance(value, str):
            when = parse_time(value) or http_date(value)
        elif isinstance(value, datetime):
            when = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            when = datetime.fromtimestamp(value, timezone.utc)
    except (ValueError, TypeError, OverflowError, OSError):  # any text, or a year after 9999
        return None
    return when.replace(tzinfo=timezone.utc) if when and not when.tzinfo else when
