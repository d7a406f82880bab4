# SPDX-License-Identifier: Apache-2.0
"""Downloads whose connection breaks: the rest is asked for, and never of another version."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libcloud.http import is_transient
from libcloud.storage.base import Object
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import IncompleteDownloadError
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Action, Drop, Status, Truncate
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.fakes.wire import Answer, Incoming

DATA = pattern(5000)
ATTEMPTS = 3


class Driver(S3StorageDriver):
    ex_retry_policy = RetryPolicy(attempts=ATTEMPTS, base=0.0)


@dataclass(frozen=True, slots=True)
class Headers(Action):
    """Change headers of the answer; the value ``None`` removes one. And cut the body."""

    changes: dict[str, str | None]
    keep: int | None = None

    def answered(self, answer: Answer) -> Answer:
        names = {name.lower() for name in self.changes}
        headers = [item for item in answer.headers if item[0].lower() not in names]
        headers += [(name, value) for name, value in self.changes.items() if value is not None]
        return Answer(answer.status, tuple(headers), answer.body, cut=self.keep)


class Whole(Action):
    """Ignore that a range was asked for."""

    def verified(self, request: Incoming) -> Incoming:
        headers = tuple(item for item in request.headers if item[0] != "range")
        return Incoming(request.method, request.target, headers)


class Replace(Action):
    """Another object comes in the place of the one that is being read."""

    def __init__(self, server: FakeS3, data: bytes | None) -> None:
        self.server, self.data = server, data

    def answered(self, answer: Answer) -> Answer:
        with self.server.state.lock:
            stored = self.server.state.objects.pop(("bucket", "object"))
            if self.data is not None:
                stored.body, stored.size, stored.etag = self.data, len(self.data), "0" * 32
                self.server.state.objects["bucket", "object"] = stored
        return Answer(answer.status, answer.headers, answer.body, cut=1000)


@pytest.fixture(scope="module")
def running() -> Iterator[FakeS3]:
    with FakeS3() as fake:
        yield fake


@pytest.fixture
def server(running: FakeS3) -> FakeS3:
    running.reset()
    running.create_bucket("bucket")
    return running


@pytest.fixture
def stored(server: FakeS3) -> Object:
    driver = Driver(server.key, server.secret, secure=False, host=server.host, port=server.port)
    container = driver.get_container("bucket")
    driver.upload_object_via_stream(iter([DATA]), container, "object")
    return driver.get_object("bucket", "object")


def ranges(server: FakeS3) -> list[str | None]:
    """The ranges that were asked for."""
    asked = [entry for entry in server.requests if entry.operation == "GetObject"]
    return [entry.headers.get("range") for entry in asked]


def as_stream(stored: Object, folder: Path) -> bytes:
    return b"".join(stored.as_stream(700))


def as_file(stored: Object, folder: Path) -> bytes:
    path = folder / "file"
    assert stored.download(str(path))
    return path.read_bytes()


def range_as_stream(stored: Object, folder: Path) -> bytes:
    middle = b"".join(stored.range_as_stream(100, 4900, 700))
    return DATA[:100] + middle + DATA[4900:]


def range_as_file(stored: Object, folder: Path) -> bytes:
    path = folder / "file"
    assert stored.download_range(str(path), 100)
    return DATA[:100] + path.read_bytes()


READERS: dict[str, Callable[[Object, Path], bytes]] = {
    "stream": as_stream,
    "file": as_file,
    "range": range_as_stream,
    "range to file": range_as_file,
}
each_way = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@each_way
@pytest.mark.parametrize("keep", [0, 1, 699, 700, 1401, 4799])
def test_an_interrupted_body_is_resumed(
    server: FakeS3, stored: Object, tmp_path: Path, read: Any, keep: int
) -> None:
    fault = server.faults.add("GetObject", Truncate(keep))

    assert read(stored, tmp_path) == DATA

    assert fault.fired == 1
    assert len(ranges(server)) == 2


@pytest.mark.parametrize("read", [as_stream, range_as_stream])
def test_a_body_may_break_off_as_often_as_pieces_come(
    server: FakeS3, stored: Object, tmp_path: Path, read: Any
) -> None:
    fault = server.faults.add("GetObject", Truncate(800), times=ATTEMPTS + 2)

    assert read(stored, tmp_path) == DATA

    assert fault.fired == ATTEMPTS + 2


@each_way
def test_a_body_that_ends_early_for_good_is_an_error_in_the_end(
    server: FakeS3, stored: Object, tmp_path: Path, read: Any
) -> None:
    server.faults.add("GetObject", Truncate(0), times=None)

    with pytest.raises(Exception, match="IncompleteRead") as caught:
        read(stored, tmp_path)

    assert is_transient(caught.value)
    assert len(ranges(server)) == ATTEMPTS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "second",
    [Status(503, "SlowDown"), Drop("after_body"), Truncate(0)],
    ids=["503", "reset", "cut"],
)
def test_requests_for_the_rest_are_retried(
    server: FakeS3, stored: Object, tmp_path: Path, second: Action
) -> None:
    server.faults.add("GetObject", Truncate(800))
    server.faults.add("GetObject", second, nth=2)

    assert as_stream(stored, tmp_path) == DATA

    assert server.faults.pending == []
    assert len(ranges(server)) == 3


def test_only_the_rest_of_the_same_version_is_requested(server: FakeS3, stored: Object) -> None:
    server.faults.add("GetObject", Truncate(1400))

    assert b"".join(stored.range_as_stream(100, 4900, 700)) == DATA[100:4900]

    assert ranges(server) == ["bytes=100-4899", "bytes=1500-4899"]
    assert server.requests[-1].headers["if-match"] == f'"{stored.hash}"'


def test_pieces_have_their_size_in_spite_of_a_break(server: FakeS3, stored: Object) -> None:
    server.faults.add("GetObject", Truncate(1000))

    sizes = [len(piece) for piece in stored.as_stream(700)]

    assert sizes == [700] * 7 + [100]


@each_way
@pytest.mark.parametrize("data", [b"x" * 5000, None], ids=["replaced", "deleted"])
def test_two_versions_are_never_mixed(
    server: FakeS3, stored: Object, tmp_path: Path, read: Any, data: bytes | None
) -> None:
    server.faults.add("GetObject", Replace(server, data))

    with pytest.raises(IncompleteDownloadError, match=r"replaced or deleted.*start again"):
        read(stored, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_store_without_if_match_is_detected_by_its_etag(server: FakeS3, stored: Object) -> None:
    server.faults.add("GetObject", Truncate(1000))
    server.faults.add("GetObject", Headers({"ETag": '"another"'}), nth=2)

    with pytest.raises(IncompleteDownloadError, match="was replaced during the download"):
        list(stored.as_stream())


@pytest.mark.parametrize(
    "second",
    [Whole(), Headers({"Content-Range": "bytes 0-4999/5000"}), Headers({"Content-Range": None})],
    ids=["no range", "another range", "not told which"],
)
def test_a_response_with_other_bytes_than_the_rest_is_refused(
    server: FakeS3, stored: Object, second: Action
) -> None:
    server.faults.add("GetObject", Truncate(1400))
    server.faults.add("GetObject", second, nth=2)

    with pytest.raises(IncompleteDownloadError, match="did not give the rest alone"):
        list(stored.as_stream(700))


def test_a_refusal_of_the_rest_is_raised_at_once(server: FakeS3, stored: Object) -> None:
    server.faults.add("GetObject", Truncate(1400))
    server.faults.add("GetObject", Status(403, "AccessDenied"), nth=2, times=None)

    with pytest.raises(Exception, match=r"resuming the download.*AccessDenied"):
        list(stored.as_stream(700))

    assert len(ranges(server)) == 2


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_a_break_is_an_error_at_once(
    server: FakeS3, stored: Object, etag: str | None
) -> None:
    server.faults.add("GetObject", Headers({"ETag": etag}, keep=1400))

    with pytest.raises(Exception, match="IncompleteRead"):
        list(stored.as_stream(700))

    assert len(ranges(server)) == 1


def test_what_is_decoded_on_its_way_is_not_put_together(server: FakeS3, stored: Object) -> None:
    body = gzip.compress(pattern(100_000), mtime=0)
    with server.state.lock:
        kept = server.state.objects["bucket", "object"]
        kept.body, kept.size = body, len(body)
        kept.headers["content-encoding"] = "gzip"
    stored = stored.container.get_object("object")
    server.faults.add("GetObject", Truncate(len(body) // 2))

    with pytest.raises(Exception, match="IncompleteRead"):
        list(stored.as_stream(700))

    assert len(ranges(server)) == 1


def test_waiting_follows_the_driver_s_policy(server: FakeS3, stored: Object) -> None:
    waits: list[float] = []
    driver: Any = stored.driver
    driver._client.retry_loop.sleep = waits.append
    server.faults.add("GetObject", Truncate(1400))
    busy = Status(503, "SlowDown", headers={"Retry-After": "7"})
    server.faults.add("GetObject", busy, nth=2)

    assert b"".join(stored.as_stream(700)) == DATA

    assert waits == [0.0, 7.0]


def test_a_response_class_of_others_is_left_alone(
    server: FakeS3, stored: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answer:
        """What a mock gives: no response of the library."""

        def __init__(self, connection: Any, response: Any) -> None:
            self.status, self.headers = 200, {"etag": '"x"', "content-length": "5000"}
            self.iter_content = lambda size: iter([DATA[:1000]])

    monkeypatch.setattr(stored.driver.connection, "rawResponseCls", Answer)

    with pytest.raises(IncompleteDownloadError, match="ended after 1000 of 5000 bytes"):
        list(stored.as_stream(700))

    assert len(ranges(server)) == 1


def test_what_else_a_response_has_is_still_there(server: FakeS3, stored: Object) -> None:
    driver: Any = stored.driver
    driver._save_object = lambda **given: given["response"]

    response: Any = stored.download("/nowhere")

    assert (response.status, response.getheader("ETag")) == (200, f'"{stored.hash}"')
    assert response._response.headers["Content-Length"] == "5000"
    assert response.body == DATA
