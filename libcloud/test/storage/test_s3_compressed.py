# SPDX-License-Identifier: Apache-2.0
"""Objects of unknown size whose response was compressed or cut on the way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import IncompleteDownloadError, ObjectChangedError
from libcloud.test._loopback import Loopback, Received, reply

pytestmark = pytest.mark.usefixtures("http_path")

DATA = b"0123456789" * 100
PACKED = gzip.compress(DATA)
GZIP = {"Content-Encoding": "gzip"}
ETAG = {"ETag": '"0123"'}


def chunked(body: bytes, headers: dict[str, str]) -> bytes:
    head = reply(200, b"", {**headers, "Transfer-Encoding": "chunked"})
    head = head.replace(b"Content-Length: 0\r\n", b"")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


class Proxy(Loopback):
    """Responds to GET with ``got``, to HEAD as the store does."""

    def __init__(self) -> None:
        super().__init__(self.answered)
        self.got, self.object, self.stored = b"", DATA, ETAG

    def answered(self, request: Received) -> bytes:
        if request.method == "GET":
            return self.got
        return reply(200, b"", {**self.stored, "Content-Length": str(len(self.object))})

    def read(self) -> bytes:
        driver = S3StorageDriver("key", "secret", False, "127.0.0.1", self.port)
        obj, pieces = driver._read_object(Container("bucket", {}, driver), "name")
        content = b"".join(pieces)
        assert obj.size == len(content)
        return content


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    running = Proxy()
    with running:
        yield running


def test_a_response_that_was_compressed_on_the_way_is_an_error(proxy: Proxy) -> None:
    proxy.got = reply(200, PACKED, {**ETAG, **GZIP})
    with pytest.raises(MalformedResponseError, match=r"compressed on the way \(gzip\)") as caught:
        proxy.read()
    assert "bucket/name" in str(caught.value)


def test_a_compressed_response_without_a_length_is_an_error(proxy: Proxy) -> None:
    proxy.got = chunked(PACKED, {"ETag": 'W/"0123"', **GZIP})
    with pytest.raises(LibcloudError):
        proxy.read()


def test_an_object_that_is_stored_compressed_is_read_as_it_is(proxy: Proxy) -> None:
    proxy.object, proxy.stored = PACKED, {**ETAG, **GZIP}
    for got in (reply(200, PACKED, proxy.stored), chunked(PACKED, proxy.stored)):
        proxy.got = got
        assert proxy.read() == PACKED


def test_an_object_that_is_replaced_before_it_is_described_is_an_error(proxy: Proxy) -> None:
    proxy.object, proxy.stored = PACKED, {"ETag": '"4567"', **GZIP}
    for got in (reply(200, PACKED, {**ETAG, **GZIP}), chunked(PACKED, ETAG)):
        proxy.got = got
        with pytest.raises(ObjectChangedError, match="bucket/name was replaced"):
            proxy.read()


@pytest.mark.parametrize("size", [0, 500])
def test_a_response_without_a_length_that_ends_early_is_an_error(proxy: Proxy, size: int) -> None:
    proxy.got = chunked(DATA[:size], ETAG)
    with pytest.raises(IncompleteDownloadError, match=f"ended after {size} of 1000 bytes"):
        proxy.read()


def test_another_coding_is_that_of_the_object(proxy: Proxy) -> None:
    proxy.got = reply(200, DATA, {**ETAG, "Content-Encoding": "aws-chunked"})
    assert proxy.read() == DATA
    assert [request.method for request in proxy.requests] == ["GET"]


@pytest.mark.parametrize("lines", [["1000", "1000"], ["1000, 1000"], ["1000,1000", "1000"]])
def test_a_length_that_is_repeated_counts_once(proxy: Proxy, lines: list[str]) -> None:
    fields = "".join(f"Content-Length: {line}\r\n" for line in lines).encode()
    plain = reply(200, DATA, ETAG)
    proxy.got = plain.replace(b"Content-Length: 1000\r\n", fields)
    assert proxy.read() == DATA
