# SPDX-License-Identifier: Apache-2.0
"""Uploads in one request, as every driver inherits them: what is sent, counted, hashed, refused."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from libcloud.storage import payload as payloads
from libcloud.storage.base import DEFAULT_CONTENT_TYPE, StorageDriver
from libcloud.storage.types import InvalidSourceError

LIMIT = 64


class _Connection:
    """Reads the body of each request the given number of times, and records it."""

    def __init__(self, *, attempts: int = 1, reads: bool = True) -> None:
        self.bodies: list[bytes] = []
        self.lengths: list[int | None] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self._attempts = attempts
        self._reads = reads

    def request(self, action: str, **options: Any) -> str:
        self.calls.append((action, options))
        data = options["data"]
        self.lengths.append(len(data) if hasattr(data, "__len__") else None)
        for attempt in range(self._attempts if self._reads else 0):
            if attempt:
                data.seek(0)
            self.bodies.append(self._read(data))
        if self.error:
            raise self.error
        return "response"

    def _read(self, data: Any) -> bytes:
        if isinstance(data, bytes):
            return data
        try:
            return b"".join(iter(lambda: data.read(10), b"") if hasattr(data, "read") else data)
        except Exception as error:
            raise ConnectionError("the connection was closed") from error

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = self.calls[-1][1]["headers"]
        return headers


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "READ_LIMIT", LIMIT)


@pytest.fixture
def driver() -> StorageDriver:
    driver = StorageDriver("user", "s3cret-key", host="localhost")
    driver.connection = _Connection()
    return driver


def _upload_stream(driver: StorageDriver, stream: Any, **options: Any) -> dict[str, Any]:
    return driver._upload_object("name", None, "/path", stream=stream, **options)


def _pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _no_seek(data: bytes) -> io.BufferedReader:
    """A pipe with ``data`` in it."""
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "wb") as file:
            file.write(data)

    threading.Thread(target=write).start()
    return os.fdopen(read_end, "rb")


SMALL = bytes(range(LIMIT))
LARGE = bytes(range(256)) * 5


# Uploads: what is sent


@pytest.mark.parametrize(
    "source",
    [
        lambda: io.BytesIO(SMALL),
        lambda: _pieces(SMALL),
        lambda: iter(list(SMALL)),
        lambda: iter([b"", SMALL[:5], bytearray(SMALL[5:9]), b"", memoryview(SMALL)[9:]]),
        lambda: _no_seek(SMALL),
    ],
    ids=["file", "generator", "numbers", "mixed", "pipe"],
)
def test_a_small_stream_is_sent_as_bytes_with_a_length(
    driver: StorageDriver, source: Callable[[], Any]
) -> None:
    result = _upload_stream(driver, source())

    assert driver.connection.bodies == [SMALL]
    assert driver.connection.lengths == [LIMIT]
    assert result == {
        "response": "response",
        "bytes_transferred": LIMIT,
        "data_hash": hashlib.md5(SMALL).hexdigest(),
    }


@pytest.mark.parametrize("source", [io.BytesIO, lambda: iter([]), lambda: iter([b"", b""])])
def test_an_empty_stream_is_an_empty_body(driver: StorageDriver, source: Callable[[], Any]) -> None:
    result = _upload_stream(driver, source())

    assert driver.connection.calls[0][1]["data"] == b""
    assert result["bytes_transferred"] == 0
    assert result["data_hash"] == hashlib.md5(b"").hexdigest()


def test_an_empty_file_is_an_empty_body(driver: StorageDriver, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    driver._upload_object("name", None, "/path", file_path=str(tmp_path / "empty"))

    assert driver.connection.calls[0][1]["data"] == b""


def test_a_large_file_is_sent_with_its_length_and_read_once(
    driver: StorageDriver, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(LARGE)

    result = driver._upload_object("name", None, "/path", file_path=tmp_path / "large")

    assert driver.connection.bodies == [LARGE]
    assert driver.connection.lengths == [len(LARGE)]
    assert result["bytes_transferred"] == len(LARGE)
    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()


def test_a_large_stream_is_sent_from_its_position(driver: StorageDriver) -> None:
    stream = io.BytesIO(b"skipped" + LARGE)
    stream.seek(7)

    result = _upload_stream(driver, stream)

    assert driver.connection.bodies == [LARGE]
    assert driver.connection.lengths == [len(LARGE)]
    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()


def test_a_body_sent_twice_is_hashed_and_counted_once(driver: StorageDriver) -> None:
    driver.connection = _Connection(attempts=2)
    stream = io.BytesIO(b"skipped" + LARGE)
    stream.seek(7)

    result = _upload_stream(driver, stream)

    assert driver.connection.bodies == [LARGE, LARGE]
    assert result["bytes_transferred"] == len(LARGE)
    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()


def test_an_abandoned_body_is_hashed_again(driver: StorageDriver) -> None:
    class Halfway(_Connection):
        def _read(self, data: Any) -> bytes:
            data.read(100)
            data.seek(0)
            return super()._read(data)

    driver.connection = Halfway()

    result = _upload_stream(driver, io.BytesIO(LARGE))

    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()
    assert result["bytes_transferred"] == len(LARGE)


@pytest.mark.parametrize("through", ["the driver", "the call"])
def test_a_large_iterator_has_no_length_if_the_store_takes_that(
    driver: StorageDriver, through: str
) -> None:
    driver.supports_chunked_encoding = through == "the driver"

    result = _upload_stream(driver, _pieces(LARGE), chunked=through == "the call")

    assert driver.connection.bodies == [LARGE]
    assert driver.connection.lengths == [None]
    assert result["bytes_transferred"] == len(LARGE)
    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()


@pytest.mark.parametrize("source", [_pieces, _no_seek], ids=["generator", "pipe"])
def test_a_large_iterator_has_a_length_if_the_store_needs_one(
    driver: StorageDriver, source: Callable[[bytes], Any]
) -> None:
    result = _upload_stream(driver, source(LARGE))

    assert driver.connection.bodies == [LARGE]
    assert driver.connection.lengths == [len(LARGE)]
    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()


def test_no_more_is_read_ahead_of_the_request_than_the_limit(driver: StorageDriver) -> None:
    driver.supports_chunked_encoding = True
    driver.connection = _Connection(reads=False)
    driver.connection.error = RuntimeError("refused")
    pulled = []

    def endless() -> Iterator[bytes]:
        while True:
            pulled.append(10)
            yield b"0123456789"

    with pytest.raises(RuntimeError, match="refused"):
        _upload_stream(driver, endless())

    assert sum(pulled) <= LIMIT + 10


@pytest.mark.parametrize("source", [_pieces, io.BytesIO], ids=["generator", "file"])
def test_the_hash_is_correct_although_the_body_was_not_read(
    driver: StorageDriver, source: Callable[[bytes], Any]
) -> None:
    driver.supports_chunked_encoding = True
    driver.connection = _Connection(reads=False)

    result = _upload_stream(driver, source(LARGE))

    assert result["data_hash"] == hashlib.md5(LARGE).hexdigest()
    assert result["bytes_transferred"] == len(LARGE)


def test_text_is_sent_as_utf_8(driver: StorageDriver) -> None:
    _upload_stream(driver, io.StringIO("é" * LIMIT))

    assert driver.connection.bodies == [("é" * LIMIT).encode()]


def test_the_hash_is_that_of_the_driver(driver: StorageDriver) -> None:
    driver.hash_type = "sha256"

    assert _upload_stream(driver, iter([b"a"]))["data_hash"] == hashlib.sha256(b"a").hexdigest()


# Uploads: what is refused, and errors


@pytest.mark.parametrize("stream", ["text", "", b"bytes", False, True, 1, object(), [b"a"], {}])
def test_a_source_that_is_no_stream_is_refused_before_any_request(
    driver: StorageDriver, stream: object
) -> None:
    with pytest.raises(InvalidSourceError, match=type(stream).__name__) as caught:
        _upload_stream(driver, stream)

    assert isinstance(caught.value, AttributeError)
    assert isinstance(caught.value, TypeError)
    assert driver.connection.calls == []


def test_a_bad_piece_is_refused_before_any_request(driver: StorageDriver) -> None:
    with pytest.raises(TypeError, match="NoneType"):
        _upload_stream(driver, iter([b"a", None]))

    assert driver.connection.calls == []


def test_a_missing_file_is_an_os_error(driver: StorageDriver) -> None:
    with pytest.raises(OSError, match="File /no/such does not exist"):
        driver._upload_object("name", None, "/path", file_path="/no/such")

    assert driver.connection.calls == []


def test_neither_file_nor_stream_is_refused(driver: StorageDriver) -> None:
    with pytest.raises(InvalidSourceError):
        driver._upload_object("name", None, "/path")


def test_the_error_of_the_source_is_raised_and_not_that_of_the_connection(
    driver: StorageDriver,
) -> None:
    driver.supports_chunked_encoding = True
    context = KeyError("within the source")

    def failing() -> Iterator[bytes]:
        yield LARGE
        try:
            raise context
        except KeyError:
            raise OSError("disk on fire")  # noqa: B904 - the context is what matters

    with pytest.raises(OSError, match="disk on fire") as caught:
        _upload_stream(driver, failing())

    assert (caught.value.__cause__, caught.value.__context__) == (None, context)


def test_an_error_of_the_connection_stays_what_it_is(driver: StorageDriver) -> None:
    driver.connection.error = ConnectionError("reset")

    with pytest.raises(ConnectionError, match="reset"):
        _upload_stream(driver, io.BytesIO(LARGE))


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(
    driver: StorageDriver, tmp_path: Path
) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(LARGE)

    class Shrinking(_Connection):
        def _read(self, data: Any) -> bytes:
            os.truncate(path, 0)
            return super()._read(data)

    driver.connection = Shrinking()

    with pytest.raises(OSError, match=f"of {len(LARGE)} bytes"):
        driver._upload_object("name", None, "/path", file_path=path)


def test_a_stream_that_cannot_seek_is_read_and_a_broken_one_is_not(driver: StorageDriver) -> None:
    stream = Mock(wraps=io.BytesIO(b"abc"), spec=["read", "seek", "tell", "__next__"])
    stream.seek.side_effect = OSError(errno.ESPIPE, "Illegal seek")
    _upload_stream(driver, stream)
    assert driver.connection.bodies == [b"abc"]

    stream.seek.side_effect = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"):
        _upload_stream(driver, stream)


# Uploads: the request


def test_one_raw_request_is_sent(driver: StorageDriver) -> None:
    driver._upload_object("name.txt", "text/x", "/path", "POST", {"A": "b"}, stream=iter([b"x"]))

    assert driver.connection.calls == [
        (
            "/path",
            {
                "method": "POST",
                "data": b"x",
                "headers": {"A": "b", "Content-Type": "text/x"},
                "raw": True,
            },
        )
    ]


def test_the_caller_s_headers_are_not_changed(driver: StorageDriver) -> None:
    headers = {"A": "b"}

    _upload_stream(driver, iter([b"x"]), headers=headers)

    assert headers == {"A": "b"}


@pytest.mark.parametrize(
    ("given", "header", "expected"),
    [
        ("a/b", None, "a/b"),
        ("a/b", "c/d", "a/b"),
        (None, "c/d", "c/d"),
        (None, None, "image/png"),
    ],
)
def test_there_is_one_content_type(
    driver: StorageDriver, given: str | None, header: str | None, expected: str
) -> None:
    headers = {"content-type": header} if header else {}

    driver._upload_object("cat.png", given, "/path", headers=headers, stream=iter([b"x"]))

    assert driver.connection.headers == {"Content-Type": expected}


def test_the_type_of_the_file_name_takes_precedence_over_the_object_name(
    driver: StorageDriver, tmp_path: Path
) -> None:
    (tmp_path / "a.html").touch()

    driver._upload_object("b.txt", None, "/path", file_path=tmp_path / "a.html")

    assert driver.connection.headers == {"Content-Type": "text/html"}


def test_an_unknown_type_is_an_error_for_a_strict_driver_only(driver: StorageDriver) -> None:
    _upload_stream(driver, iter([b"x"]))
    assert driver.connection.headers == {"Content-Type": DEFAULT_CONTENT_TYPE}

    driver.strict_mode = True
    source = iter([b"x"])
    with pytest.raises(AttributeError, match='could not be guessed for "name"'):
        _upload_stream(driver, source)
    assert next(source) == b"x"
