# SPDX-License-Identifier: Apache-2.0
"""A connection that writes what it sends and gets to a file: ``LIBCLOUD_DEBUG``.

Secrets are left out: signatures, tokens, keys. Bodies that are not text are described, not written.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from itertools import count
from shlex import quote
from typing import Any
from xml.dom.minidom import parseString

from libcloud.http import HttpLibResponseProxy, LibcloudConnection
from libcloud.utils.misc import lowercase_keys
from libcloud.utils.per_thread import PerThread
from libcloud.utils.redact import redact_headers, redact_text

__all__ = ["LoggingConnection"]

_numbers = count(1)
_writing = threading.Lock()


class LoggingConnection(LibcloudConnection):
    """Writes each request, as a command of curl, and each answer to ``log``."""

    protocol = "https"

    log: Any = None
    """A file open for text; ``None``: nothing is written."""

    max_concurrency = None

    _request_number: Any = PerThread(0)
    _streams: Any = PerThread(False)

    def request(  # type: ignore[override]  # takes what the base takes, by keyword
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        """As in :class:`~libcloud.http.LibcloudConnection`."""
        self._start(method, url, body, headers, kwargs)
        super().request(method, url, body=body, headers=headers, **kwargs)

    def prepared_request(  # type: ignore[override]  # takes what the base takes, by keyword
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        """As in :class:`~libcloud.http.LibcloudConnection`."""
        self._start(method, url, body, headers, kwargs)
        super().prepared_request(method, url, body=body, headers=headers, **kwargs)

    def getresponse(self) -> Any:
        """As in :class:`~libcloud.http.LibcloudConnection`."""
        response = super().getresponse()
        if self.log is not None:
            self._write(self._log_response(HttpLibResponseProxy(response)))
        return response

    def _start(
        self, method: str, url: str, body: Any, headers: Any, kwargs: Mapping[str, Any]
    ) -> None:
        if self.log is None:
            return
        self._request_number = next(_numbers)
        self._streams = bool(kwargs.get("stream"))
        command = self._log_curl(method, url, body, dict(headers or {}))
        self._write(f"# -------- begin {self._request_number} request ----------\n{command}\n")

    def _write(self, text: str) -> None:
        with _writing:
            self.log.write(text)
            self.log.flush()

    def _log_response(self, r: Any) -> str:
        """``r``, an answer, as text. The body of a stream is left to who asked for it."""
        headers = redact_headers(dict(r.getheaders()))
        lines = [
            f"# -------- begin {self._request_number} response ----------",
            f"HTTP/{r.version} {r.status} {r.reason}",
            *(f"{name.title()}: {value}" for name, value in headers.items()),
            "",
        ]
        if self._streams:
            lines.append("# a stream; not read here")
        else:
            lines.append(_printable(r.body, _content_type(headers)))
        lines.append(f"# -------- end {self._request_number} response ----------")
        return "\n".join(lines) + "\n\n"

    def _log_curl(self, method: str, url: str, body: Any, headers: Mapping[str, Any]) -> str:
        """The command of curl that sends the request, but for what is secret in it."""
        words = ["curl", "-i"]
        words += ["--head"] if method == "HEAD" else ["-X", quote(method)]
        for name, value in redact_headers(headers).items():
            words += ["-H", quote(redact_text(f"{name}: {value}"))]
        if body is not None:
            words += _data_words(body)
        if str(lowercase_keys(headers).get("accept-encoding", "")):
            words.append("--compressed")
        target = url if "://" in url else f"{self.host}{url}"
        return " ".join([*words, quote(redact_text(target))])


def _data_words(body: Any) -> list[str]:
    """Arguments of curl for ``body``; anything but short text stays out of the log."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        try:
            body = bytes(body).decode("utf-8")
        except UnicodeDecodeError:
            size = memoryview(body).nbytes
            return ["--data-binary", quote(f"@- # {size} bytes that are not text")]
    if isinstance(body, str):
        return ["--data-binary", quote(redact_text(body))] if body else []
    return ["--data-binary", quote(f"@- # {type(body).__name__}")]


def _content_type(headers: Mapping[str, object]) -> str:
    return str(lowercase_keys(headers).get("content-type", "")).partition(";")[0].strip().lower()


def _printable(body: Any, content_type: str) -> str:
    """``body`` as text without secrets, laid out when LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE asks."""
    if not isinstance(body, str):
        try:
            body = bytes(body or b"").decode("utf-8")
        except UnicodeDecodeError:
            return f"# {len(body)} bytes that are not text"
    if os.environ.get("LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE"):
        body = _laid_out(body, content_type)
    return redact_text(body)


def _laid_out(body: str, content_type: str) -> str:
    """``body`` with white space for reading; as it is when it cannot be parsed."""
    try:
        if content_type.endswith("json"):
            return json.dumps(json.loads(body), indent=4)
        if content_type.endswith("xml"):
            return parseString(body).toprettyxml()
    except Exception:  # whatever is wrong with it, the log shows it
        return body
    return body
