# SPDX-License-Identifier: Apache-2.0
"""Parts that are sent while they are made, with the checksum at the end."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.http import LibcloudConnection, NetworkError
from libcloud.storage.s3 import checksums
from libcloud.storage.s3.checksums import CHECKSUMS, available, encoded
from libcloud.storage.s3.profiles import PROFILES
from libcloud.storage.scaleout import UploadSession, parts
from libcloud.storage.types import SizeMismatchError
from libcloud.test.storage.fakes.digests import UNSIGNED_TRAILER, decoded
from libcloud.test.storage.fakes.errors import S3Error
from libcloud.test.storage.fakes.faults import Action, Drop, FlipBit, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.wire import Incoming
from libcloud.test.storage.s3_servers import Store, pattern, store

CHUNK = 8 * 1024
PIECE = 5000
DATA = pattern(40 * PIECE + 1)
assert len(DATA) > 128 * 1024  # a smaller body is sent together with the headers


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with store(replace(AMAZON, tls=True)) as found:
        yield found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_IN_MEMORY", 10)
    monkeypatch.setattr(checksums, "_CHUNK", CHUNK)


@pytest.fixture
def session(s3: Store) -> UploadSession:
    began: UploadSession = s3.driver.ex_begin_upload(s3.container, "object")
    return began


def pieces(data: bytes = DATA) -> Iterator[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, len(DATA)])
def test_a_part_is_sent_with_its_checksum_at_the_end(
    s3: Store, session: UploadSession, size: int
) -> None:
    data = DATA[:size]
    receipt = session.upload_part(1, pieces(data), size=size)
    session.complete([receipt])
    assert s3.body() == data
    value = CHECKSUMS["crc32"].new()
    value.update(data)
    assert receipt.checksum == f"crc32:{encoded(value.digest())}"
    (sent,) = s3.requests("UploadPart")
    headers = sent.headers
    assert headers["x-amz-content-sha256"] == UNSIGNED_TRAILER
    assert headers["x-amz-decoded-content-length"] == str(size)
    assert headers["content-length"] == str(sent.body_length)
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize("algorithm", ["crc32c", "crc64nvme"])
def test_the_checksum_is_the_requested_one(s3: Store, algorithm: str) -> None:
    if not available(algorithm):
        pytest.skip("needs awscrt")
    session = s3.driver.ex_begin_upload(s3.container, "object", ex_checksum=algorithm)
    receipt = session.upload_part(1, pieces(), size=len(DATA))
    session.complete([receipt])
    assert (s3.body(), receipt.checksum.partition(":")[0]) == (DATA, algorithm)


@pytest.mark.parametrize("fast", [True, False])
def test_only_a_window_of_the_part_is_held(
    s3: Store, session: UploadSession, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(LibcloudConnection, "fast_path", fast)
    alive: set[int] = set()
    most = 0

    class Piece(bytearray):
        """Counted while it exists."""

    def source() -> Iterator[Any]:
        nonlocal most
        for number, piece in enumerate(pieces()):
            held = Piece(piece)
            alive.add(number)
            weakref.finalize(held, alive.discard, number)
            most = max(most, len(alive))
            yield held
            del held

    session.complete([session.upload_part(1, source(), size=len(DATA))])
    assert s3.body() == DATA
    assert most <= 3


class Arrived(Action):
    """Notes that the headers of a request have arrived."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def before_body(self, length: int) -> int:
        self.event.set()
        return length


@pytest.mark.parametrize("fast", [True, False])
def test_data_is_sent_before_the_last_piece_is_made(
    s3: Store, session: UploadSession, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(LibcloudConnection, "fast_path", fast)
    arrived = Arrived()
    s3.server.faults.add("UploadPart", arrived)

    def source() -> Iterator[bytes]:
        yield DATA[:-1]
        assert arrived.event.wait(60)
        yield DATA[-1:]

    session.complete([session.upload_part(1, source(), size=len(DATA))])
    assert s3.body() == DATA


@pytest.mark.parametrize("make", [lambda: pieces, lambda: list(pieces())], ids=["function", "list"])
def test_repeatable_data_is_retried(
    s3: Store, session: UploadSession, make: Callable[[], Any]
) -> None:
    s3.server.faults.add("UploadPart", Drop("in_body"))
    s3.server.faults.add("UploadPart", Status(503, "SlowDown"), nth=2)
    s3.server.faults.add("UploadPart", FlipBit(20), nth=3)
    session.complete([session.upload_part(1, make(), size=len(DATA))])
    assert s3.body() == DATA
    assert s3.server.count("UploadPart") == 4


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Drop("in_body"), "Error uploading chunk 1"),
        (Status(503, "SlowDown"), "SlowDown"),
        (FlipBit(20), "BadDigest"),
    ],
)
def test_an_iterator_is_sent_once(
    s3: Store, session: UploadSession, fault: Any, message: str
) -> None:
    s3.server.faults.add("UploadPart", fault)
    with pytest.raises(Exception, match=message):
        session.upload_part(1, pieces(), size=len(DATA))
    assert s3.server.count("UploadPart") == 1
    assert not session.receipts()
    session.complete([session.upload_part(1, pieces(), size=len(DATA))])
    assert s3.body() == DATA


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("difference", [-1, 1, -PIECE, CHUNK])
def test_a_part_of_another_size_is_never_stored(
    s3: Store,
    session: UploadSession,
    monkeypatch: pytest.MonkeyPatch,
    difference: int,
    fast: bool,
) -> None:
    monkeypatch.setattr(LibcloudConnection, "fast_path", fast)
    size = len(DATA) + difference
    found = f"{len(DATA)}" if difference > 0 else "at least [0-9]+"
    expected = f"part 7 of bucket/object has {found} bytes, and {size} were announced"
    with pytest.raises(SizeMismatchError, match=expected):
        session.upload_part(7, pieces, size=size)
    # Until the server has noticed that the connection is closed, the part is in flight.
    s3.server.connections.wait_for_ended_processes()
    assert not session.receipts()
    assert s3.server.count("UploadPart") <= 1
    session.complete([session.upload_part(1, pieces(), size=len(DATA))])
    assert s3.body() == DATA


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("error", [BrokenPipeError, ConnectionResetError, TimeoutError, KeyError])
def test_an_error_of_the_source_propagates_unchanged(
    s3: Store,
    session: UploadSession,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    fast: bool,
) -> None:
    monkeypatch.setattr(LibcloudConnection, "fast_path", fast)
    raised, context = error("of the source"), ValueError("within the source")

    def source() -> Iterator[bytes]:
        yield DATA[:-PIECE]
        try:
            raise context
        except ValueError:
            raise raised  # noqa: B904 - the context is what matters

    with pytest.raises(error) as caught:
        session.upload_part(1, source, size=len(DATA))
    assert caught.value is raised
    assert (raised.__cause__, raised.__context__) == (None, context)
    assert not session.receipts()


def test_an_error_of_the_network_of_a_source_that_can_be_repeated_is_not_changed(
    s3: Store, session: UploadSession
) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:PIECE]
        raise NetworkError("the other store does not answer")

    with pytest.raises(NetworkError) as caught:
        session.upload_part(1, broken, size=len(DATA))
    assert caught.value.value == "the other store does not answer"
    assert not session.receipts()


@pytest.mark.parametrize("piece", ["text", 7, None])
def test_a_piece_that_is_not_bytes_is_a_type_error(
    s3: Store, session: UploadSession, piece: Any
) -> None:
    with pytest.raises(TypeError, match="part 1 of bucket/object must be bytes"):
        session.upload_part(1, iter([DATA, piece]), size=len(DATA) + 1)
    assert not session.receipts()


def test_a_store_that_is_not_known_to_accept_it_gets_the_checksum_first(
    s3: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {p.name for p in PROFILES.values() if p.trailing_checksums} == {"Amazon S3"}
    profile = replace(s3.driver.profile, trailing_checksums=False)
    monkeypatch.setattr(s3.driver, "profile", profile)
    session = s3.driver.ex_begin_upload(s3.container, "object")
    session.complete([session.upload_part(1, pieces, size=len(DATA))])
    assert s3.body() == DATA
    assert "content-encoding" not in s3.requests("UploadPart")[0].headers


def test_over_plain_http_the_checksum_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_IN_MEMORY", 10)
    with store() as plain:
        session = plain.driver.ex_begin_upload(plain.container, "object")
        session.complete([session.upload_part(1, pieces, size=len(DATA))])
        assert plain.body() == DATA
        assert "content-encoding" not in plain.requests("UploadPart")[0].headers


def test_no_data_is_logged(
    s3: Store, session: UploadSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    data = b"visible text" * 20_000
    session.upload_part(1, [data], size=len(data))
    assert "visible" not in caplog.text


# The fake.

_TRAILER = b"x-amz-checksum-crc32:AAAAAA==\r\n"


@pytest.mark.parametrize(
    ("body", "changed", "code"),
    [
        (b"3\r\nabc\r\n0\r\n" + _TRAILER, {}, "IncompleteBody"),
        (b"3\r\nabc\r\n", {}, "IncompleteBody"),
        (b"3\r\nabcd\r\n0\r\n" + _TRAILER + b"\r\n", {}, "IncompleteBody"),
        (b"2\r\nab\r\n0\r\n" + _TRAILER + b"\r\n", {}, "IncompleteBody"),
        (b"1\r\na\r\n2\r\nbc\r\n0\r\n" + _TRAILER + b"\r\n", {}, "InvalidChunkSizeError"),
        (b"3\r\nabc\r\n0\r\n\r\n", {}, "MalformedTrailerError"),
        (None, {"x-amz-trailer": "x-amz-checksum-crc32c"}, "MalformedTrailerError"),
        (None, {"x-amz-decoded-content-length": ""}, "MissingContentLength"),
        (None, {"content-encoding": "gzip"}, "InvalidRequest"),
    ],
)
def test_the_fake_refuses_a_malformed_body(
    body: bytes | None, changed: dict[str, str], code: str
) -> None:
    headers = {
        "content-encoding": "gzip,aws-chunked",
        "x-amz-content-sha256": UNSIGNED_TRAILER,
        "x-amz-decoded-content-length": "3",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    good = b"3\r\nabc\r\n0\r\n" + _TRAILER + b"\r\n"
    request = Incoming("PUT", "/", tuple(headers.items()), True, good)
    found = decoded(request)
    assert (found.body, found.header("content-encoding")) == (b"abc", "gzip")
    with pytest.raises(S3Error) as caught:
        pairs = tuple({**headers, **changed}.items())
        decoded(replace(request, body=good if body is None else body, headers=pairs))
    assert caught.value.code == code
