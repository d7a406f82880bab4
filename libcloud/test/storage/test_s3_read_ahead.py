# SPDX-License-Identifier: Apache-2.0
"""A listing of a large container is read ahead by one page, and not by more."""

from __future__ import annotations

import os
import signal
import threading
from itertools import islice

import pytest

from libcloud.test.storage.s3_servers import store
from libcloud.test.storage.test_s3_pages import MORE, Server, page_of


def _numbered(query: dict[str, str], number: int) -> str:
    more = f"{MORE}<NextContinuationToken>{number}</NextContinuationToken>" if number < 5 else ""
    return page_of(f"{number}a", f"{number}b") + more


def test_the_next_page_is_requested_while_one_is_processed() -> None:
    with Server(_numbered) as server:
        objects = server.container().iterate_objects()
        assert [obj.name for obj in islice(objects, 2)] == ["1a", "1b"]
        assert len(server.requests) == 1  # a caller that needs a few entries causes one request
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


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_requests_the_page_that_its_parent_waits_for() -> None:
    goes_on = threading.Event()

    def held(query: dict[str, str], number: int) -> str:
        if number == 3:
            goes_on.wait(60)
        page = int(query.get("continuation-token", "0")) + 1
        return _numbered(query, page)

    with Server(held) as server:
        objects = server.container().iterate_objects()
        assert len([*islice(objects, 3)]) == 3
        while len(server.requests) < 3:
            pass
        child = os.fork()
        if not child:
            count = 0
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(60)  # if it waits for what never comes
                count = len([*objects])
            finally:
                os._exit(count)
        try:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        finally:
            goes_on.set()
        assert len([*objects]) == 7
