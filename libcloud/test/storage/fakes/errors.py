# SPDX-License-Identifier: Apache-2.0
"""The refusals of the fake S3 server.

Reference: Amazon S3 API, "Error responses", list of error codes.
"""

from __future__ import annotations

from collections.abc import Mapping


class S3Error(Exception):
    """A request is refused: becomes an ``<Error>`` document with ``status``.

    :param extra: further elements of the document, such as ``Region``.
    :param headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        *,
        extra: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message or code
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


def invalid_argument(message: str) -> S3Error:
    """400 InvalidArgument."""
    return S3Error(400, "InvalidArgument", message)


def invalid_request(message: str) -> S3Error:
    """400 InvalidRequest."""
    return S3Error(400, "InvalidRequest", message)


def not_implemented(what: str) -> S3Error:
    """501 NotImplemented."""
    return S3Error(
        501,
        "NotImplemented",
        f"A header or a query you provided implies functionality that is not implemented: {what}",
    )
