# SPDX-License-Identifier: Apache-2.0
"""Uploads by several processes whose listener, executor, ``ex_connect`` or parts are odd."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from libcloud.storage.transfer.progress import UploadEvent
from libcloud.storage.types import WorkerError
from libcloud.test.storage.s3_servers import PART, Store
from libcloud.test.storage.scaleout.pools import OddExecutor, Pieces


def upload(s3: Store, executor: Any, sizes: list[int] | None, **options: Any) -> Any:
    options = {"sizes": sizes, "ex_on_failure": "abort", **options}
    functions = Pieces([PART, PART]).functions
    return s3.driver.ex_upload_with(executor, functions, s3.container, "object", **options)


@pytest.mark.parametrize("event", ["UploadStarted", "PartStarted", "PartDone", "UploadCompleting"])
def test_a_listener_that_raises_leaves_no_upload(s3: Store, event: str) -> None:
    def listen(found: UploadEvent) -> None:
        if type(found).__name__ == event:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upload(s3, OddExecutor(2), [PART, PART], on_event=listen)
    s3.assert_nothing_is_left()


class Careless(ThreadPoolExecutor):
    """Loses what tasks return."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return super().submit(lambda: None)


@pytest.mark.parametrize("sizes", [[PART, PART], None])
def test_an_executor_that_loses_results_is_named(s3: Store, sizes: list[int] | None) -> None:
    with Careless(1) as pool, pytest.raises(WorkerError, match="the executor returned None"):
        upload(s3, pool, sizes)
    s3.assert_nothing_is_left()


class Futureless:
    """Returns no futures."""

    shares_memory = True

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        return None


@pytest.mark.parametrize("sizes", [[PART, PART], None])
def test_an_executor_that_returns_no_future_is_named(s3: Store, sizes: list[int] | None) -> None:
    with pytest.raises(WorkerError, match="the executor returned None, not a future"):
        upload(s3, Futureless(), sizes)
    s3.assert_nothing_is_left()


class Callbackless:
    """Its futures accept no callbacks."""

    shares_memory = True

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        self.returned = function(*args)
        return self

    def result(self) -> Any:
        return self.returned

    def cancel(self) -> bool:
        return False

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        raise RuntimeError("no callbacks")


@pytest.mark.parametrize("sizes", [[PART, PART], None])
def test_a_future_that_accepts_no_callback_is_a_failure_and_is_not_awaited(
    s3: Store, sizes: list[int] | None
) -> None:
    with pytest.raises(WorkerError, match="no callbacks"):
        upload(s3, Callbackless(), sizes, ex_on_failure="abort")
    s3.assert_nothing_is_left()


@dataclass
class Connect:
    """A function with settings; it is not hashable."""

    driver: Any

    def __call__(self) -> Any:
        return self.driver


def test_any_callable_connects(s3: Store) -> None:
    upload(s3, OddExecutor(2), [PART, PART], ex_connect=Connect(s3.driver))
    s3.assert_nothing_is_left("object")


def test_a_new_upload_of_pieces_of_unknown_size_needs_no_list_of_parts(s3: Store) -> None:
    with ThreadPoolExecutor(1) as pool:
        upload(s3, pool, None)
    assert not s3.requests("ListParts")
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("sizes", [[0], [PART, 0]])
def test_the_last_part_may_be_empty(s3: Store, sizes: list[int]) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    receipts = [session.upload_part(n, bytes(size)) for n, size in enumerate(sizes, 1)]
    assert b"".join(session.complete(receipts).as_stream()) == bytes(sum(sizes))


def test_no_other_part_may_be_empty_whatever_the_store_accepts(s3: Store) -> None:
    session = s3.driver.ex_begin_upload(s3.container, "object")
    limits = replace(session.upload.limits, min_part_size=0)
    session.upload = replace(session.upload, limits=limits)
    receipts = [session.upload_part(n, data) for n, data in enumerate([b"a", b"", b"b"], 1)]
    with pytest.raises(ValueError, match="part 2 of bucket/object has 0 bytes"):
        session.complete(receipts)
    assert not s3.server.objects


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize(
    "pieces", [[io.BytesIO(bytes(6 * PART))], [iter([bytes(6 * PART)])], [io.BytesIO(b"a")] * 2]
)
def test_threads_do_not_share_a_file_or_an_iterator(
    s3: Store, pieces: list[Any], connected: bool
) -> None:
    options: Any = {"ex_connect": Connect(s3.driver)} if connected else {}
    sizes = [6 * PART // len(pieces)] * len(pieces)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="belongs to several parts"):
        s3.driver.ex_upload_with(
            pool, pieces, s3.container, "object", sizes=sizes, ex_part_size=PART, **options
        )
    assert not s3.server.requests
