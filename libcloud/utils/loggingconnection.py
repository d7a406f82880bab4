# SPDX-License-Identifier: Apache-2.0
"""A connection that logs requests and responses to a file: ``LIBCLOUD_DEBUG``.

Signatures, tokens and keys are redacted. Bodies that are not text are described, not logged.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from itertools import count
from shlex import quote
from threading import RLock
from typing import Any

from libcloud.http import HttpLibResponseProxy, LibcloudConnection
from libcloud.utils.local import PerProcess, PerThread
from libcloud.utils.misc import lowercase_keys
from libcloud.utils.redact import redact_headers, redact_text

_VERSIONS = {"10": "1.0", "11": "1.1"}

_numbers = count(1)
_writing = PerProcess(RLock)


class LoggingConnection(LibcloudConnection):
    """Logs each request, as a curl command, and each response to ``log``."""

    protocol = "https"

    log: Any = None  # a text file

    max_concurrency = None

    _request_number: Any = PerThread(0)
    _streams: Any = PerThread(False)

    def request(  # type: ignore[override]  # takes what the base takes, by keyword
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        self._start(method, url, body, headers, kwargs)
        super().request(method, url, body=body, headers=headers, **kwargs)

    def prepared_request(  # type: ignore[override]  # takes what the base takes, by keyword
        self, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> None:
        self._start(method, url, body, headers, kwargs)
        super().prepared_request(method, url, body=body, headers=headers, **kwargs)

    def getresponse(self) -> Any:
        response = super().getresponse()
        if self.log is not None:
            self._write(self._log_response(_BytesResponse(response)))
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
        with _writing():
            self.log.write(text)
            self.log.flush()

    def _log_response(self, r: Any) -> str:
        headers = redact_headers(dict(r.getheaders()))
        body = "# a stream; not read here" if self._streams else r.read()
        lines = [
            f"# -------- begin {self._request_number} response ----------",
            f"HTTP/{_VERSIONS.get(str(r.version), r.version)} {r.status} {r.reason}",
            *(f"{name.title()}: {value}" for name, value in headers.items()),
            "",
            _printable(body, _content_type(headers)),
            f"# -------- end {self._request_number} response ----------",
        ]
        return "\n".join(lines) + "\n\n"

    def _log_curl(self, method: str, url: str, body: Any, headers: Mapping[str, Any]) -> str:
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


class _BytesResponse(HttpLibResponseProxy):
    """A response whose body is returned as bytes."""

    def read(self, amt: int | None = None) -> Any:
        return self.body


def _data_words(body: Any) -> list[str]:
    if isinstance(body, (bytes, bytearray, memoryview)):
        try:
            body = bytes(body).decode("utf-8")
        except UnicodeDecodeError:
            size = memoryview(body).nbytes
            return ["--data-binary", quote(f"@- # {size} bytes that are not text")]
    if isinstance(body, str):
        return ["--data-binary", quote(redact_text(body))] if body else []
    return ["--data-binary", quote(f"@- # {type(body).__name__}")]


def _content_type(headers: Mapping[Any, object]) -> str:
    value = next((value for name, value in headers.items() if name.title() == "Content-Type"), "")
    return str(value).partition(";")[0].strip().lower()


def _printable(body: Any, content_type: str) -> str:
    """``body`` as text without secrets; JSON is indented if the environment says so."""
    if not isinstance(body, str):
        try:
            body = bytes(body or b"").decode("utf-8")
        except UnicodeDecodeError:
            return f"# {len(body)} bytes that are not text"
    if content_type.endswith("json") and os.environ.get("LIBCLOUD_DEBUG_PRETTY_PRINT_RESPONSE"):
        # Not valid JSON: shown unchanged.
        with contextlib.suppress(ValueError):
            body = json.dumps(json.loads(body), indent=4)
    return redact_text(body)
