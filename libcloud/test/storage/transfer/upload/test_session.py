# SPDX-License-Identifier: Apache-2.0
"""What drivers of all protocols share: keywords, sources, writers, and the names in errors.

``MemoryPort`` shows what a protocol has to supply.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.retry import Retries, RetryPolicy
from libcloud.storage.transfer.upload.session import (
    ObjectUpload,
    UploadOptions,
    split_keywords,
)
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.storage.types import ObjectTooLargeError, SizeMismatchError
from libcloud.utils.bodies import Pieces

LIMITS = Limits(min_part_size=1, max_part_size=100, max_parts=10, max_object_size=100)
DATA = bytes(range(35))


class MemoryPort:
    """An object in memory; ``faults`` are raised by the next requests, one each."""

    def __init__(self, faults: Sequence[Exception | None] = ()) -> None:
        self.steps: list[str] = []
        self.stored: bytes | None = None
        self._parts: dict[int, bytes] = {}
        self._faults = list(faults)

    def digest(self, body: Body) -> Digest:
        return Digest()

    def put(self, body: Body, digest: Digest) -> StoredObject:
        self._record("put")
        self.stored = bytes(body)
        return StoredObject("etag", len(body))

    def create(self) -> str:
        self._record("create")
        return "id"

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        self._record("part")
        self._parts[number] = bytes(body)
        return PartReceipt(number, f"etag {number}", len(body))

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        self._record("complete")
        self.stored = b"".join(self._parts[part.number] for part in parts)
        return StoredObject("etag", len(self.stored), len(parts))

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        self._record("confirm")
        return Confirmation.ABSENT, None

    def abort(self, upload_id: str) -> None:
        self._record("abort")
        self._parts.clear()

    def has_parts(self, upload_id: str) -> bool:
        return bool(self._parts)

    def failure(self, step: Step, error: Exception) -> Failure:
        return Failure(error, transient=isinstance(error, ConnectionError))

    def _record(self, step: str) -> None:
        self.steps.append(step)
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            raise fault


def session(port: MemoryPort, **options: object) -> ObjectUpload[bytes | Pieces]:
    _, chosen = split_keywords({"ex_part_size": 10, **options})
    return ObjectUpload(
        port,
        LIMITS,
        chosen,
        Retries(RetryPolicy(2, base=0.0)),
        concurrency=1,
        driver="the driver",
        container_name="box",
        object_name="thing",
    )


def test_keywords_are_split_into_the_drivers_own_and_those_of_the_engine() -> None:
    given = {"ex_tier": "Cool", "ex_window": 2, "on_event": print}
    own, options = split_keywords(given, ("ex_tier",), max_memory=64)
    assert own == {"ex_tier": "Cool"}
    assert options == UploadOptions(window=2, on_event=print, max_memory=64)


def test_a_keyword_takes_precedence_over_the_default_of_the_driver() -> None:
    assert split_keywords({"ex_max_memory": 8}, max_memory=64)[1].max_memory == 8


def test_an_unknown_keyword_is_refused_and_the_nearest_one_is_named() -> None:
    with pytest.raises(TypeError, match=r"ex_teir.*did you mean 'ex_tier'"):
        split_keywords({"ex_teir": "Cool"}, ("ex_tier",))


@pytest.mark.parametrize(
    ("size", "steps"),
    [(0, ["put"]), (10, ["put"]), (35, ["create", *["part"] * 4, "complete"])],
)
def test_a_stream_a_file_and_a_writer_make_the_same_requests(
    size: int, steps: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA[:size])
    stream, file, written = MemoryPort(), MemoryPort(), MemoryPort()

    session(stream).send(iter([DATA[:size]]))
    session(file).send_file(path)
    with session(written).open_writer(lambda stored: stored.size) as writer:
        writer.write(DATA[:size])

    assert [port.steps for port in (stream, file, written)] == [steps] * 3
    assert [port.stored for port in (stream, file, written)] == [DATA[:size]] * 3
    assert writer.result == size


def test_requests_are_retried_by_the_policy() -> None:
    port = MemoryPort([ConnectionError()])
    session(port).send(iter([DATA[:5]]))
    assert (port.steps, port.stored) == (["put", "put"], DATA[:5])


def test_an_error_of_the_engine_names_the_driver_and_the_object() -> None:
    with pytest.raises(ObjectTooLargeError) as caught:
        session(MemoryPort()).send(iter([bytes(2000)]))
    assert (caught.value.driver, caught.value.object_name) == ("the driver", "thing")


@pytest.mark.parametrize("ending", ["write", "close"])
def test_an_error_of_a_writer_names_the_driver_and_the_object(ending: str) -> None:
    writer = session(MemoryPort(), ex_size=15).open_writer(lambda stored: stored)
    with pytest.raises(SizeMismatchError) as caught:
        writer.write(DATA[: 35 if ending == "write" else 5])
        writer.close()
    assert (caught.value.driver, caught.value.object_name) == ("the driver", "thing")
