# SPDX-License-Identifier: Apache-2.0
"""What a request carries although nobody asked for it, and how to do without.

Checksums, the size of the whole object, the version that a range must be of and the encoding of
names in listings make a request safer. A store that does not know them may refuse the request for
their sake: Cloudflare R2 by 501, Backblaze B2 by "Unsupported header", VAST refuses conditions of
reads (https://github.com/fsspec/s3fs/pull/1008). Then the request is made without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from libcloud.common.request import HttpRequest
from libcloud.storage import s3

if TYPE_CHECKING:
    from libcloud.storage.s3.errors import ErrorDetail

__all__ = ["CHECKSUM", "OBJECT_SIZE", "Unasked", "refused", "unasked", "without", "without_headers"]

CHECKSUM = "x-amz-checksum"
OBJECT_SIZE = "x-amz-mp-object-size"

# Each is given up as a whole: names of headers begin with it, names of parameters are it. The first
# that fits counts: a store that does not tell checksums may take them all the same.
_HEADERS = ("x-amz-checksum-mode", CHECKSUM, OBJECT_SIZE, "if-match", "if-unmodified-since")
_PARAMS = ("encoding-type", "fetch-owner")

# Says that the body is not signed. Without a checksum it should be.
_UNSIGNED = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")

_REFUSALS = frozenset(
    {"InvalidArgument", "NotImplemented", "UnsupportedArgument", "XNotImplemented"}
)
_UNKNOWN = re.compile(r"unsupported|not (?:supported|implemented)|unknown (?:header|parameter)")


class Unasked(str):
    """The value of a header, or a choice, that the library made by itself.

    A ``str``, for it passes through methods that users override.
    """

    __slots__ = ()


def unasked(headers: Mapping[str, str], *, digest_asked: bool = False) -> dict[str, str]:
    """``headers``, marked as ones that nobody asked for.

    :param digest_asked: somebody asked for the digest: only the size of the object is marked.
    """
    return {
        name: value if digest_asked and name != OBJECT_SIZE else Unasked(value)
        for name, value in headers.items()
    }


def refused(detail: object, request: HttpRequest) -> frozenset[str]:
    """What of ``request`` the store may have meant when it refused it; empty for other errors.

    :param detail: what the store said, an :class:`~libcloud.storage.s3.errors.ErrorDetail` if
        anything.
    """
    carried = _carried(request)
    if not carried or not isinstance(detail, s3.errors.ErrorDetail) or not _is_refusal(detail):
        return frozenset()
    message = detail.message.lower()
    return frozenset(name for name in carried if name in message) or carried


def without(request: HttpRequest, given_up: Iterable[str]) -> HttpRequest:
    """``request`` without what was given up and nobody asked for."""
    given_up = frozenset(given_up)
    if not given_up or given_up.isdisjoint(_carried(request)):
        return request
    return replace(
        request,
        params=tuple(pair for pair in request.params if pair[0] not in given_up),
        headers=without_headers(request.headers, given_up),
    )


def without_headers(headers: Mapping[str, str], given_up: Iterable[str]) -> dict[str, str]:
    """``headers`` without what was given up and nobody asked for."""
    prefixes = tuple(given_up)

    def goes(name: str, value: str) -> bool:
        if not isinstance(value, Unasked):
            return False
        unsigned = CHECKSUM in prefixes and (name.lower(), value) == _UNSIGNED
        return unsigned or name.lower().startswith(prefixes)

    return {name: value for name, value in headers.items() if not goes(name, value)}


def _carried(request: HttpRequest) -> frozenset[str]:
    """What in ``request`` can be given up."""
    found = {name for name, _ in request.params if name in _PARAMS}
    for name, value in request.headers.items():
        if isinstance(value, Unasked):
            found.update([known for known in _HEADERS if name.lower().startswith(known)][:1])
    return frozenset(found)


def _is_refusal(detail: ErrorDetail) -> bool:
    """Whether the store does not know something that the request carries."""
    if detail.status == 501 or detail.code in _REFUSALS:
        return True
    return detail.status == 400 and _UNKNOWN.search(detail.message.lower()) is not None
