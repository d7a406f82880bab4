# SPDX-License-Identifier: Apache-2.0
"""Code of other projects around the S3 driver: overrides with their own signatures, and mocks."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import IncompleteRead
from io import BufferedReader
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.request import urlopen

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.drivers.s3 import S3SignatureV4Connection, S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import ContainerDoesNotExistError
from libcloud.test._loopback import Loopback, reply
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, store
from libcloud.utils.py3 import ET


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    with store() as found:
        yield found


def driver_of(server: Store, kind: Any) -> Any:
    found = server.server
    return kind(found.key, found.secret, secure=False, host=found.host, port=found.port)


class KeywordsOnly(S3StorageDriver):
    def _put_object(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._put_object(**{**kwargs, "object_name": f"of-{kwargs['object_name']}"})


class KeywordsWithoutCallback(S3StorageDriver):
    def _put_object(self, *, container: Any, object_name: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        assert "upload_func" not in kwargs or kwargs["upload_func"] is not None
        return super()._put_object(container, f"of-{object_name}", **kwargs)


class KeywordsForParts(S3StorageDriver):
    def _put_object_multipart(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._put_object_multipart(
            **{**kwargs, "object_name": f"of-{kwargs['object_name']}"}
        )


@pytest.mark.parametrize("in_parts", [True, False])
@pytest.mark.parametrize("kind", [KeywordsOnly, KeywordsWithoutCallback])
def test_an_override_of_put_object_may_take_keywords_only(
    server: Store, tmp_path: Path, kind: Any, in_parts: bool
) -> None:
    driver = driver_of(server, type("Own", (kind,), {"supports_s3_multipart_upload": in_parts}))
    container = driver.get_container(BUCKET)
    (tmp_path / "f").write_bytes(b"a file")
    driver.upload_object(str(tmp_path / "f"), container, "file")
    driver.upload_object_via_stream(iter([b"a stream"]), container, "stream")

    assert server.body("of-file") == b"a file"
    assert server.body("of-stream") == b"a stream"


def test_an_override_of_put_object_multipart_may_take_keywords_only(server: Store) -> None:
    driver = driver_of(server, KeywordsForParts)
    driver.upload_object_via_stream(iter([b"a stream"]), driver.get_container(BUCKET), "parts")

    assert server.body("of-parts") == b"a stream"


class OlderConnection(S3SignatureV4Connection):
    """``request`` as older versions of Apache Libcloud declared it."""

    def request(  # type: ignore[override]  # as its users wrote it
        self,
        action: Any,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        method: str = "GET",
        raw: bool = False,
        stream: bool = False,
    ) -> Any:
        return super().request(action, params, data, headers, method, raw, stream)


OlderConnection.request.__module__ = "of_another_project"


class OlderDriver(S3StorageDriver):
    connectionCls = OlderConnection


def test_a_connection_may_have_the_request_method_of_an_older_version(server: Store) -> None:
    driver = driver_of(server, OlderDriver)
    container = driver.get_container(BUCKET)
    driver.upload_object_via_stream(iter([b"content"]), container, "older")

    assert b"".join(driver.get_object(BUCKET, "older").as_stream()) == b"content"
    assert [one.name for one in container.list_objects(prefix="older")] == ["older"]


BUCKETS = ET.XML(
    '<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets><Bucket>'
    "<Name>b</Name><CreationDate>2009-02-03T16:45:09.000Z</CreationDate>"
    "</Bucket></Buckets></ListAllMyBucketsResult>"
)


class Immediate(S3StorageDriver):
    ex_retry_policy = RetryPolicy(base=0.0)


def mocked(kind: Any, **attributes: Any) -> S3StorageDriver:
    driver = Immediate("key", "secret")
    response = kind(headers={}, **attributes)
    driver.connection.request = mock.Mock(return_value=response)
    return driver


@pytest.mark.parametrize("kind", [mock.Mock, mock.MagicMock])
def test_a_mock_of_a_response_needs_a_status_and_an_object(kind: Any) -> None:
    assert [one.name for one in mocked(kind, status=200, object=BUCKETS).list_containers()] == ["b"]


@pytest.mark.parametrize("kind", [mock.Mock, mock.MagicMock, SimpleNamespace])
def test_a_mock_of_a_response_with_an_error_needs_a_status(kind: Any) -> None:
    body = {"body": ""} if kind is SimpleNamespace else {}
    missing = mocked(kind, status=404, object=None, **body)
    with pytest.raises(ContainerDoesNotExistError):
        missing.get_container("b")
    with pytest.raises(ContainerDoesNotExistError):
        missing.get_object("b", "o")
    with pytest.raises(LibcloudError, match="500"):
        mocked(kind, status=500, object=None, **body).list_containers()


class KeywordHooks(S3StorageDriver):
    """Each hook takes the keywords by which Apache Libcloud calls it, and nothing else."""

    def _headers_to_object(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._headers_to_object(**kwargs)

    def _get_content_length_from_headers(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._get_content_length_from_headers(**kwargs)

    def _to_objs(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._to_objs(**kwargs)

    def _to_containers(self, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._to_containers(**kwargs)


def test_hooks_are_called_by_the_keywords_of_apache_libcloud(server: Store) -> None:
    driver = driver_of(server, KeywordHooks)
    container = driver.get_container(BUCKET)
    driver.upload_object_via_stream(iter([b"content"]), container, "hooks")

    assert driver.get_object(BUCKET, "hooks").size == 7
    assert [one.name for one in container.list_objects(prefix="hooks")] == ["hooks"]
    assert BUCKET in [one.name for one in driver.list_containers()]


@pytest.mark.parametrize("size", [0, 1, 3 * PART, 200_000])
@pytest.mark.parametrize("in_parts", [True, False])
@pytest.mark.parametrize("wrap", [lambda response: response, BufferedReader])
def test_a_response_that_is_cut_is_not_published_as_the_whole(
    wrap: Any, in_parts: bool, size: int
) -> None:
    """``read(size)`` of a response of ``urlopen`` ends where the connection was lost.

    Reports: python/cpython#129264, psf/requests#4956, and the example of minio/minio-py#1055.
    """
    options = {"ex_part_size": PART} if in_parts else {}
    cut = reply(200, bytes(size), headers={"Content-Length": "200001"})
    with store() as s3, Loopback(lambda request: cut, close=True) as web:
        s3.driver.supports_s3_multipart_upload = in_parts
        with (
            urlopen(f"http://127.0.0.1:{web.port}/", timeout=30) as response,
            pytest.raises(IncompleteRead, match=f"{200_001 - size} more expected"),
        ):
            s3.driver.upload_object_via_stream(wrap(response), s3.container, "object", **options)
        s3.assert_nothing_is_left()
