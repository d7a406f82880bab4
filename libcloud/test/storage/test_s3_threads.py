# SPDX-License-Identifier: Apache-2.0
"""One S3 driver in several threads: each gets its own answers, and its own errors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test._helpers import run_in_threads
from libcloud.test.storage.s3_servers import PART, pattern, store

ROUNDS = 6


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2", "4"])
def test_threads_that_share_a_driver_get_their_own_responses(version: str, tmp_path: Path) -> None:
    """G5: uploads whole and in parts, reads, ranges, looks, listings and failures, all at once."""
    with store(version=version) as s3:

        def work(thread: int) -> None:
            order = random.Random(thread)
            path = tmp_path / f"file-{thread}"
            for number in range(ROUNDS):
                name = f"thread-{thread}/object {number}"
                data = pattern(order.randrange(1, 4 * PART), seed=thread * ROUNDS + number)
                if number % 2:
                    path.write_bytes(data)
                    stored = s3.driver.upload_object(str(path), s3.container, name)
                else:
                    stored = s3.stream(iter([data]), name, ex_window=2)
                assert (stored.name, stored.size) == (name, len(data))
                found = s3.driver.get_object("bucket", name)
                assert (found.name, found.size, found.hash) == (name, len(data), stored.hash)
                assert b"".join(found.as_stream(chunk_size=100)) == data
                middle = len(data) // 2
                assert b"".join(found.range_as_stream(middle)) == data[middle:]
                with pytest.raises(ObjectDoesNotExistError) as caught:
                    s3.container.get_object(f"{name}/absent")
                assert caught.value.object_name == f"{name}/absent"
                mine = [obj.name for obj in s3.container.list_objects(f"thread-{thread}/")]
                assert len(mine) == number + 1
            assert all(obj.delete() for obj in s3.container.list_objects(f"thread-{thread}/"))

        run_in_threads(work, 8)
        s3.assert_nothing_is_left()
        assert {entry.status for entry in s3.server.requests} <= {200, 204, 206, 404}


def test_a_failure_in_one_thread_does_not_disturb_another() -> None:
    with store() as s3:

        def work(thread: int) -> None:
            def source(number: int) -> Iterator[bytes]:
                yield pattern(PART * 2, seed=thread)
                if thread % 2:
                    raise ValueError(f"{thread}.{number}")

            for number in range(4):
                name = f"{thread}.{number}"
                if thread % 2:
                    with pytest.raises(ValueError, match=f"^{name}$"):
                        s3.stream(source(number), name)
                else:
                    assert s3.stream(source(number), name).size == PART * 2

        run_in_threads(work, 8)
        names = [f"{thread}.{number}" for thread in (0, 2, 4, 6) for number in range(4)]
        s3.assert_nothing_is_left(*names)
