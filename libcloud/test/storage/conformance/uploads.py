# SPDX-License-Identifier: Apache-2.0
"""Behaviour of unfinished uploads, and of one driver in several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.test.storage.conformance.harness import Harness, needs, pattern
from libcloud.test.storage.conformance.sources import cut


def _parts(h: Harness, in_between: Callable[[], None]) -> Iterator[bytes]:
    """Four parts; ``in_between`` is called when the upload is certainly under way.

    With a window of one, the third part is asked for only after the first was sent.
    """
    for number in range(4):
        if number == 3:
            in_between()
        yield pattern(h.part_size, seed=number)


@needs("multipart", "list_uploads")
def an_upload_under_way_is_listed(h: Harness) -> None:
    container = h.container()
    seen: list[Any] = []
    driver: Any = h.driver

    def look() -> None:
        seen.extend(driver.ex_iterate_multipart_uploads(container))

    h.stream(container, "dir/object", _parts(h, look), window=1)
    (upload,) = seen
    assert upload.key == "dir/object"
    assert upload.id and upload.created_at
    assert h.unfinished(container) == []


@needs("multipart", "list_uploads")
def unfinished_uploads_are_listed_by_prefix(h: Harness) -> None:
    container = h.container()
    driver: Any = h.driver
    seen: dict[str, list[str]] = {}

    def look() -> None:
        for prefix in ("dir/", "other"):
            found = driver.ex_iterate_multipart_uploads(container, prefix=prefix)
            seen[prefix] = [upload.key for upload in found]

    h.stream(container, "dir/object", _parts(h, look), window=1)
    assert seen == {"dir/": ["dir/object"], "other": []}


@needs("multipart", "list_uploads", "foreign_abort")
def an_upload_cleaned_up_elsewhere_fails_and_publishes_nothing(h: Harness) -> None:
    container = h.container()
    driver: Any = h.driver

    def clean() -> None:
        driver.ex_cleanup_all_multipart_uploads(container)
        assert h.unfinished(container) == []

    with pytest.raises(LibcloudError):
        h.stream(container, "object", _parts(h, clean), window=1)
    assert h.names(container) == []
    assert h.unfinished(container) == []


@needs("list_uploads")
def cleaning_up_nothing_is_fine(h: Harness) -> None:
    container = h.container()
    h.put(container, "object")
    driver: Any = h.driver
    driver.ex_cleanup_all_multipart_uploads(container)
    assert h.names(container) == ["object"]


def _round_trip(h: Harness, container: Container, number: int) -> None:
    """Several objects of one thread's own, checked byte for byte."""
    for turn in range(4):
        name = f"thread {number} turn {turn}"
        data = pattern(1000 + 100 * number + turn, seed=number * 100 + turn)
        h.stream(container, name, cut(data, 300))
        assert h.read(container, name) == data
        found = h.driver.get_object(container.name, name)
        assert (found.name, found.size) == (name, len(data))


def eight_threads_share_a_driver(h: Harness) -> None:
    container = h.container()
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait(30)
        _round_trip(h, container, number)

    with ThreadPoolExecutor(8) as pool:
        for job in [pool.submit(work, number) for number in range(8)]:
            job.result()
    assert len(h.names(container)) == 32


def long_uploads_run_side_by_side(h: Harness) -> None:
    container = h.container()
    barrier = threading.Barrier(3)

    def work(number: int) -> None:
        data = pattern(h.part_size * 2 + number, seed=number)
        barrier.wait(30)
        h.stream(container, f"object {number}", cut(data, h.part_size // 3 + 1), window=2)
        assert h.read(container, f"object {number}") == data

    with ThreadPoolExecutor(3) as pool:
        for job in [pool.submit(work, number) for number in range(3)]:
            job.result()
    assert h.unfinished(container) == []
