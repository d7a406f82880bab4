# SPDX-License-Identifier: Apache-2.0
"""Requests and answers as those of requests, made in fewer steps; the rest when it is wanted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import requests
import urllib3
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, get_encoding_from_headers

from libcloud.http.exchange import Answer

__all__ = ["PlainRequest", "PlainResponse", "header_lines"]


class PlainRequest(requests.PreparedRequest):
    """A request of which nothing has to be worked out any more.

    :param url: as it goes on the wire.
    :param lines: headers: names in lower case, each with the name as it is sent and the value.
    :param body: bytes, a view of bytes, ``Pieces`` or ``None``.
    """

    def __init__(
        self, method: str, url: str, lines: Mapping[str, tuple[Any, Any]], body: Any, hooks: Any
    ) -> None:
        self.lines: Mapping[str, tuple[Any, Any]] | None = lines
        self._headers: Any = None
        self.method = method
        self.url = url
        self.body = body
        self.hooks = hooks
        self._cookies: Any = None
        self._body_position: Any = None

    @property
    def headers(self) -> Any:
        """As those of requests. From now on they are what is sent: they may be changed.

        :raises requests.exceptions.InvalidHeader: one of them cannot be sent.
        """
        if self._headers is None and self.lines is not None:
            for line in self.lines.values():
                check_header_validity(line)
            self._headers, self.lines = CaseInsensitiveDict(self.lines.values()), None
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers, self.lines = value, None

    def copy(self) -> requests.PreparedRequest:
        """One of requests itself."""
        made: Any = requests.PreparedRequest()
        made.method, made.url, made.body = self.method, self.url, self.body
        made.headers, made.hooks = self.headers.copy(), self.hooks
        made._cookies, made._body_position = self._cookies, self._body_position
        return made  # type: ignore[no-any-return]


class PlainResponse(requests.Response):
    """An answer that was read whole."""

    def __init__(self, answer: Answer, request: Any, adapter: Any) -> None:
        head = answer.head
        vars(self).update(_defaults())
        self.history = []
        self.status_code = head.status
        self.reason = head.reason
        headers: Any = CaseInsensitiveDict()
        headers._store.update(zip(head.found, head.headers, strict=True))
        self.headers = headers
        if "content-type" in head.found:
            self.encoding = get_encoding_from_headers(self.headers)
        self.url, self.request, self.connection = request.url, request, adapter
        self._content, self._content_consumed = answer.body, True
        self._raw: Any = None
        self._jar: Any = None

    @property
    def raw(self) -> Any:
        """The answer of urllib3, without its body: that is ``content``."""
        if self._raw is None:
            self._raw = urllib3.HTTPResponse(
                body=io.BytesIO(),
                headers=self.headers,
                status=self.status_code,
                version=11,
                reason=self.reason,
                preload_content=False,
                decode_content=False,
                request_method=self.request.method,
            )
        return self._raw

    @raw.setter
    def raw(self, value: Any) -> None:
        self._raw = value

    @property
    def cookies(self) -> Any:
        """None were set, but there is a place for them."""
        if self._jar is None:
            self._jar = RequestsCookieJar()
        return self._jar

    @cookies.setter
    def cookies(self, value: Any) -> None:
        self._jar = value


def header_lines(headers: Any) -> dict[str, tuple[Any, Any]]:
    """``headers`` by names in lower case, each with the name as it is sent and the value."""
    known = getattr(headers, "_store", None)  # so has requests' own class
    if isinstance(known, dict):
        return dict(known)
    return {name.lower(): (name, value) for name, value in headers.items()}


@cache
def _defaults() -> dict[str, Any]:
    """What an answer of requests has in the beginning, whatever version of it this is."""
    return {
        name: value
        for name, value in vars(requests.Response()).items()
        if name not in ("raw", "cookies", "history", "headers")
    }
