# SPDX-License-Identifier: Apache-2.0
"""Response heads (status line and headers) of the usual form, and the state of a request.

The standard library parses headers with its mail parser, which costs about as much as sending the
request. Here, heads of the usual form are parsed with one regular expression; all others are left
to :mod:`libcloud.http.received`.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import NamedTuple

from libcloud.utils.headers import LOWER

# As for the standard library, a bare line feed ends a line.
HEAD_END = re.compile(rb"\n\r?\n")

# The limit of the standard library, which reports what exceeds it.
MOST_LINES = 100

# RFC 9112, sections 4 and 5: the usual form of a final response.
LENGTH = re.compile(r"[0-9]{1,19}")
_HEAD = re.compile(
    r"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([\t\x20-\x7e]*))?\r\n"
    r"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\xa0-\xff]*\r\n)*)\r\n"
)
_LINE = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")

_WITHOUT_BODY = (204, 304)
_CLOSES = {"": False, "keep-alive": False, "close": True}


class Head(NamedTuple):
    """The head of a final response whose body has a known length, or is chunked.

    :ivar headers: lower-case name -> (name as received, value).
    :ivar length: size of the body that follows, in bytes; ``None``: it is chunked.
    :ivar closes: the server will close the connection.
    """

    status: int
    reason: str
    headers: dict[str, tuple[str, str]]
    length: int | None
    closes: bool


def plain_head(data: bytes, method: str) -> Head | None:
    """Parse a complete head, up to its empty line; ``None`` if it has an unusual form.

    :param method: method of the request; the response to HEAD has no body.
    """
    match = _HEAD.fullmatch(data.decode("iso-8859-1"))
    if match is None:
        return None
    lines: list[tuple[str, str]] = _LINE.findall(match[3])
    headers = dict(zip(map(LOWER.__getitem__, map(itemgetter(0), lines)), lines, strict=True))
    if len(headers) != len(lines) or len(lines) >= MOST_LINES:
        return None  # repeated: let the library decide
    status = int(match[1])
    without_body = method == "HEAD" or status in _WITHOUT_BODY
    chunked = "transfer-encoding" in headers
    if chunked and (
        without_body
        or "content-length" in headers
        or headers["transfer-encoding"][1].strip().lower() != "chunked"
    ):
        return None
    if "content-length" in headers:
        length = headers["content-length"][1].strip()
    else:
        length = "0" if without_body or chunked else ""
    closes: bool | None = False
    if "connection" in headers:
        closes = _CLOSES.get(headers["connection"][1].strip().lower())
    if closes is None or not LENGTH.fullmatch(length):
        return None
    size = None if chunked else 0 if without_body else int(length)
    return Head(status, (match[2] or "").strip(), headers, size, closes)


# A server that rejects a request may leave this much of its body unread, and would interpret it as
# the next request or wait for the rest. nginx and Go read up to 256 KiB to keep the connection;
# other servers read nothing.
_LARGE = 64 * 1024

# Statuses from here on mean that the request was not executed.
_REFUSED = 300


class RequestState:
    """The state of one request on a connection.

    It decides whether the connection can be reused: only if the whole request was sent, the
    response ended at its declared length, and no bytes followed it.

    :ivar received: bytes of the response that arrived while the request was being sent.
    :ivar error: raised after ``received``; ``None``: the rest comes from the connection.
    :ivar size: number of bytes sent.
    :ivar unsent: the server did not accept the whole request.
    :ivar final: the final response has started, not only interim ones.
    :ivar complete: the response was read to its end and no bytes follow it.
    """

    received = b""
    error: OSError | None = None
    size = 0
    unsent = final = complete = False

    def is_premature(self, status: int) -> bool:
        """Return whether a success came although the request was not sent completely."""
        return self.unsent and status < _REFUSED

    def may_be_unread(self, status: int) -> bool:
        """Return whether the server may have left part of the request unread."""
        return self.unsent or (status >= _REFUSED and self.size > _LARGE)
