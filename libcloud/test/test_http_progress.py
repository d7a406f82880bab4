# SPDX-License-Identifier: Apache-2.0
"""A watcher hears how far requests are, and can make one fail."""

from __future__ import annotations

import threading
from collections import defaultdict

import pytest

from libcloud.http.timeouts import TimedConnection
from libcloud.test.storage.s3_servers import pattern, store

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

SIZE = 3 * 1024 * 1024


class Count:
    """Adds up what each thread's request has sent."""

    def __init__(self) -> None:
        self.requests: dict[int, list[int]] = defaultdict(lambda: [0])

    def sending(self, size: int) -> None:
        self.requests[threading.get_ident()][-1] += size

    def settled(self) -> None:
        self.requests[threading.get_ident()].append(0)


class Cut(Count):
    """Does not let a large body through."""

    def sending(self, size: int) -> None:
        super().sending(size)
        if self.requests[threading.get_ident()][-1] > 1024 * 1024:
            raise KeyError("enough")


def test_every_byte_of_a_body_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    count, data = Count(), pattern(SIZE)
    monkeypatch.setattr(TimedConnection, "progress_listener", count)
    with store() as s3:
        s3.stream(iter([data]), ex_part_size=1024 * 1024 + 1)
        assert s3.body() == data
    sizes = [size for sizes in count.requests.values() for size in sizes]
    assert SIZE < sum(sizes) < SIZE + 20_000  # and the heads
    assert sum(size > 1000 * 1000 for size in sizes) == 3


def test_a_request_that_is_cut_fails_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with store() as s3:
        monkeypatch.setattr(TimedConnection, "progress_listener", Cut())
        with pytest.raises(KeyError, match="enough"):
            s3.stream(iter([pattern(SIZE)]), ex_part_size=1024 * 1024 + 1)
        # The server may see the abort before it sees that the connection of a part is gone: of that
        # part it has not all, so that it cannot keep it.
        assert not s3.server.objects
        assert not s3.server.unfinished_uploads()
        # Connections that were cut are not used again.
        s3.in_parts(2)
