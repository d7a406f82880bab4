# SPDX-License-Identifier: Apache-2.0
"""A listing of a large container is read ahead by one page, and not by more."""

from __future__ import annotations

from itertools import islice

from libcloud.test.storage.s3_servers import store
from libcloud.test.storage.test_s3_pages import MORE, Server, page_of


def _numbered(query: dict[str, str], number: int) -> str:
    more = f"{MORE}<NextContinuationToken>{number}</NextContinuationToken>" if number < 5 else ""
    return page_of(f"{number}a", f"{number}b") + more


def test_the_next_page_is_requested_while_one_is_processed() -> None:
    with Server(_numbered) as server:
        objects = server.container().iterate_objects()
        assert [obj.name for obj in islice(objects, 2)] == ["1a", "1b"]
        assert len(server.requests) == 1  # whoever wants a few entries causes one request
        assert [obj.name for obj in islice(objects, 1)] == ["2a"]
        while len(server.requests) < 3:  # without being asked for
            pass
        assert [obj.name for obj in objects] == [
            "2b",
            *(f"{n}{x}" for n in (3, 4, 5) for x in "ab"),
        ]
        assert len(server.requests) == 5


def test_a_listing_that_is_dropped_causes_no_further_request() -> None:
    with Server(_numbered) as server:
        objects = server.container().iterate_objects()
        assert len([*islice(objects, 3)]) == 3
        while len(server.requests) < 3:
            pass
        objects.close()  # type: ignore[attr-defined]  # a generator
        assert len(server.requests) == 3


def test_a_connection_for_one_thread_is_not_read_ahead() -> None:
    with store() as made:
        made.driver.connection.request = made.driver.connection.request  # replaced by somebody
        assert made.driver._max_concurrency() == 1
        assert made.container.list_objects() == []
