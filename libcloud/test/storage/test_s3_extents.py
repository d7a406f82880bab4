# SPDX-License-Identifier: Apache-2.0
"""Downloads get the bytes that were asked for, of one version of the object, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import (
    IncompleteDownloadError,
    ObjectChangedError,
    PreconditionFailedError,
)
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.conformance.harness import pattern

DATA = pattern(1000)
ETAG = {"ETag": '"version"'}


class Amazon(S3StorageDriver):
    ex_retry_policy = RetryPolicy(attempts=2, base=0.0)


class Google(GoogleStorageDriver):
    ex_retry_policy = RetryPolicy(attempts=2, base=0.0)


@pytest.fixture(params=[Amazon, Google])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def object_at(server: Loopback, kind: Any = Amazon, **facts: Any) -> Object:
    key = "GOOG0123456789ABCXYZ" if kind is Google else "key"
    driver = kind(key, "secret", secure=False, host="127.0.0.1", port=server.port)
    facts = {"size": len(DATA), "hash": "version", "extra": {}, **facts}
    return Object(
        "object", meta_data={}, container=Container("bucket", {}, driver), driver=driver, **facts
    )


def by_stream(obj: Object, folder: Path) -> bytes:
    return b"".join(obj.range_as_stream(100, 200))


def by_file(obj: Object, folder: Path) -> bytes:
    assert obj.download_range(str(folder / "file"), 100, 200)
    return (folder / "file").read_bytes()


RANGES = pytest.mark.parametrize("read", [by_stream, by_file])


@dataclass(frozen=True)
class Answer:
    """What a server answers to a range of 100 bytes from 100."""

    told: str | None = "bytes 100-199/1000"
    body: bytes = DATA[100:200]
    status: int = 206
    length: str | None = ""

    def __call__(self, request: Received) -> bytes:
        headers = dict(ETAG)
        if self.told is not None:
            headers["Content-Range"] = self.told
        whole = reply(self.status, self.body, headers)
        if self.length is None:
            whole = whole.replace(f"Content-Length: {len(self.body)}\r\n".encode(), b"", 1)
        return whole


WRONG = {
    "another range": Answer("bytes 0-99/1000", DATA[:100]),
    "too long a range": Answer("bytes 100-399/1000", DATA[100:400]),
    "too short a range": Answer("bytes 100-149/1000", DATA[100:150]),
    "more bytes than the range": Answer(body=DATA[100:400]),
    "fewer bytes than the range": Answer(body=DATA[100:150]),
    "more bytes without a length": Answer(body=DATA[100:400], length=None),
    "fewer bytes without a length": Answer(body=DATA[100:150], length=None),
    "more bytes without a range": Answer(None, DATA[100:400]),
    "fewer bytes without a range": Answer(None, DATA[100:150]),
    "more bytes, neither named": Answer(None, DATA[100:400], length=None),
    "fewer bytes, neither named": Answer(None, DATA[100:150], length=None),
    "no range": Answer("nonsense"),
    "the whole object": Answer(None, DATA, 200),
    "the whole object without a length": Answer(None, DATA, 200, None),
    "another size of the object": Answer("bytes 100-199/5000"),
}


@RANGES
@pytest.mark.parametrize("name", list(WRONG))
def test_other_bytes_than_the_requested_ones_are_an_error(
    kind: Any, name: str, read: Callable[[Object, Path], bytes], tmp_path: Path
) -> None:
    with Loopback(WRONG[name], close=True) as server:
        obj = object_at(server, kind)
        with pytest.raises((MalformedResponseError, IncompleteDownloadError)):
            read(obj, tmp_path)
    assert list(tmp_path.iterdir()) == []


@RANGES
@pytest.mark.parametrize(
    "answer", [Answer(), Answer(status=200), Answer(length=None), Answer(None)]
)
def test_the_requested_bytes_are_accepted(
    kind: Any, answer: Answer, read: Callable[[Object, Path], bytes], tmp_path: Path
) -> None:
    with Loopback(answer, close=True) as server:
        assert read(object_at(server, kind), tmp_path) == DATA[100:200]


def test_excess_bytes_are_not_given_away(tmp_path: Path) -> None:
    with Loopback(WRONG["more bytes without a length"], close=True) as server:
        received: list[bytes] = []
        with pytest.raises(IncompleteDownloadError, match="more than the 100 bytes"):
            received.extend(object_at(server).range_as_stream(100, 200, 30))
        assert DATA[100:200].startswith(b"".join(received))


@RANGES
def test_an_object_made_by_hand_has_no_size_to_compare(
    read: Callable[[Object, Path], bytes], tmp_path: Path
) -> None:
    with Loopback(Answer(), close=True) as server:
        assert read(object_at(server, size=0, hash=None), tmp_path) == DATA[100:200]


@RANGES
def test_another_size_of_the_object_means_that_it_was_replaced(
    read: Callable[[Object, Path], bytes], tmp_path: Path
) -> None:
    with Loopback(Answer("bytes 100-199/5000"), close=True) as server:
        obj = object_at(server, hash="another")
        with pytest.raises(ObjectChangedError, match=r"has 5000 bytes, not the 1000"):
            read(obj, tmp_path)


@RANGES
def test_a_range_that_no_longer_exists_is_an_error(
    read: Callable[[Object, Path], bytes], tmp_path: Path
) -> None:
    refusal = reply(416, b"<Error><Code>InvalidRange</Code></Error>")
    with Loopback(lambda request: refusal) as server:
        obj = object_at(server)
        with pytest.raises(ObjectChangedError, match="shorter than the 1000 bytes"):
            read(obj, tmp_path)
        with pytest.raises(LibcloudError, match=r"416.*InvalidRange") as caught:
            read(object_at(server, size=50), tmp_path)
        assert not isinstance(caught.value, ObjectChangedError)


# Whole objects.


def whole(body: bytes, *, etag: str = '"version"', length: bool = False) -> Answer:
    return Answer(None, body, 200, "" if length else None)


@pytest.mark.parametrize("body", [DATA[:300], DATA + b"more"])
def test_a_whole_body_without_a_length_is_compared_with_the_size(
    kind: Any, body: bytes, tmp_path: Path
) -> None:
    with Loopback(whole(body), close=True) as server:
        obj = object_at(server, kind)
        with pytest.raises(IncompleteDownloadError):
            list(obj.as_stream())
        assert obj.download(str(tmp_path / "file")) is False
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [DATA[:300], DATA + b"more"])
def test_a_length_that_contradicts_the_size_of_this_version_is_an_error(
    kind: Any, body: bytes
) -> None:
    with Loopback(whole(body, length=True)) as server:
        obj = object_at(server, kind)
        with pytest.raises(MalformedResponseError, match="it has 1000 bytes"):
            list(obj.as_stream())


def test_all_of_another_version_is_taken_as_it_is() -> None:
    with Loopback(whole(DATA[:300], length=True)) as server:
        assert b"".join(object_at(server, hash="older").as_stream()) == DATA[:300]
        assert b"".join(object_at(server, hash=None).as_stream()) == DATA[:300]


def test_what_google_decompresses_has_another_size() -> None:
    headers = {**ETAG, "x-goog-stored-content-encoding": "gzip"}
    sent = reply(200, DATA * 2, headers).replace(b"Content-Length: 2000\r\n", b"")
    with Loopback(lambda request: sent, close=True) as server:
        assert b"".join(object_at(server, Google).as_stream()) == DATA * 2


@pytest.mark.parametrize("read", [by_stream, lambda obj, folder: b"".join(obj.as_stream())])
def test_a_login_page_is_not_the_object(read: Any, tmp_path: Path) -> None:
    page = reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
    with Loopback(lambda request: page) as server:
        obj = object_at(server)
        with pytest.raises(MalformedResponseError, match="endpoint"):
            read(obj, tmp_path)


# One version.


class Versions:
    """A store that may ignore conditions: each request gets the next of these versions."""

    def __init__(self, *versions: tuple[bytes, dict[str, str]], heeds: bool = False) -> None:
        self.versions: Iterator[tuple[bytes, dict[str, str]]] = iter(versions)
        self.heeds = heeds

    def __call__(self, request: Received) -> bytes:
        data, headers = next(self.versions)
        wanted = request.headers.get("if-match")
        if self.heeds and wanted and wanted != headers.get("ETag"):
            return reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        span = request.headers.get("range")
        if request.method == "HEAD" or span is None:
            answer = reply(200, data, headers)
            return answer[: -len(data)] if request.method == "HEAD" else answer
        first, _, last = span.removeprefix("bytes=").partition("-")
        body = data[int(first) : int(last) + 1]
        told = f"bytes {first}-{int(first) + len(body) - 1}/{len(data)}"
        return reply(206, body, {**headers, "Content-Range": told})


THEN = {"Last-Modified": "Sun, 29 Nov 2026 08:00:00 GMT"}
LATER = {"Last-Modified": "Sun, 29 Nov 2026 08:00:05 GMT"}
OLD, NEW = b"A" * 1000, b"B" * 1000
PAIRS = {
    "another ETag": ((OLD, {"ETag": '"a"'}), (NEW, {"ETag": '"b"'})),
    "another weak ETag": ((OLD, {"ETag": 'W/"a"'}), (NEW, {"ETag": 'W/"b"'})),
    "another time": ((OLD, THEN), (NEW, LATER)),
    "another size": ((OLD, {}), (NEW + b"B", {})),
    "a smaller size": ((OLD, {}), (NEW[:-1], {})),
}


@pytest.mark.parametrize("heeds", [False, True])
@pytest.mark.parametrize("name", list(PAIRS))
def test_ranges_of_a_version_are_never_of_another(kind: Any, name: str, heeds: bool) -> None:
    old, new = PAIRS[name]
    with Loopback(Versions(old, old, new, heeds=heeds)) as server:
        driver: Any = object_at(server, kind).driver
        obj = driver._get_object_in(Container("bucket", {}, driver), "object")
        assert b"".join(driver._range_of_version(obj, 0, 10)) == b"A" * 10
        with pytest.raises(ObjectChangedError) as caught:
            list(driver._range_of_version(obj, 10, 20))
        assert isinstance(caught.value, PreconditionFailedError)


def test_a_version_is_requested_by_its_etag_or_its_time() -> None:
    for facts, name, value in (
        ({"ETag": '"a"', **THEN}, "if-match", '"a"'),
        ({"ETag": 'W/"a"', **THEN}, "if-unmodified-since", THEN["Last-Modified"]),
        (THEN, "if-unmodified-since", THEN["Last-Modified"]),
    ):
        with Loopback(Versions((OLD, facts), (OLD, facts))) as server:
            driver: Any = object_at(server).driver
            obj = driver._get_object_in(Container("bucket", {}, driver), "object")
            list(driver._range_of_version(obj, 0, 10))
            sent = server.requests[-1].headers
            assert sent[name] == value
            assert len({"if-match", "if-unmodified-since"} & set(sent)) == 1


@pytest.mark.parametrize("status", [404, 412])
def test_a_missing_version_counts_as_changed(status: int) -> None:
    with Loopback(lambda request: reply(status, b"")) as server:
        driver: Any = object_at(server).driver
        with pytest.raises(ObjectChangedError, match="replaced or deleted"):
            list(driver._range_of_version(object_at(server), 0, 10))
