# SPDX-License-Identifier: Apache-2.0
"""The log of a fake server: requests, in order, and their responses."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from libcloud.test.storage.fakes.wire import Incoming

KEPT_BODY = 64 * 1024


@dataclass(slots=True)
class Entry:
    """One request.

    :param index: place in the order of arrival, from 0.
    :param operation: Amazon's name for it.
    :param headers: names in lower case.
    :param body_length: bytes of the body that arrived.
    :param body: the body if it has at most 64 KiB, else empty.
    :param status: of the answer; 0 while there is none, and for good if the connection was reset.
    :param code: the S3 error code, ``""`` for success.
    :param ended: place in the order of answers, from 0; -1 while there is none.
    """

    index: int
    operation: str
    method: str
    target: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body_length: int = 0
    body: bytes = field(default=b"", repr=False)
    status: int = 0
    code: str = ""
    ended: int = -1

    @property
    def part_number(self) -> int | None:
        """Of an UploadPart."""
        text = self.query.get("partNumber", "")
        return int(text) if text.isdigit() else None


class RequestLog:
    """Entries in order of arrival, safe to read while the server works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._ended = 0

    def begin(self, request: Incoming, operation: str, bucket: str, key: str) -> Entry:
        """Note a request whose head has arrived."""
        with self._lock:
            entry = Entry(
                index=len(self._entries),
                operation=operation,
                method=request.method,
                target=request.target,
                bucket=bucket,
                key=key,
                query=dict(request.query),
                headers=dict(request.header_values),
            )
            self._entries.append(entry)
            return entry

    def end(self, entry: Entry, status: int, code: str = "") -> None:
        """Record the response, right before it is written."""
        with self._lock:
            entry.status = status
            entry.code = code
            entry.ended = self._ended
            self._ended += 1

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    @property
    def entries(self) -> list[Entry]:
        """All requests so far."""
        with self._lock:
            return list(self._entries)

    def counts(self) -> Counter[str]:
        """Requests by operation."""
        return Counter(entry.operation for entry in self.entries)
