# SPDX-License-Identifier: Apache-2.0
"""The classic tests of a driver that others inherit: on ``driver_type``, with a mock connection.

A class of tests derives from :class:`S3DriverTests` and says which driver it is about; the tests,
and the mock they use, take whatever that driver says of itself.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.test import XML_HEADERS, LibcloudTestCase, MockHttp
from libcloud.test._mock_answers import Reply
from libcloud.test.file_fixtures import StorageFileFixtures

UPLOAD_ID = "2~Vt0m.qQ3bExample-Upload_1"
COMPLETE_ETAG = "9b2cf535f27731c974343645a3985328-3"


class DummyIterator:
    """A bare iterator: nothing but ``next`` and ``__next__``."""

    def __init__(self, pieces: list[Any]) -> None:
        self._pieces = iter(pieces)

    def next(self) -> Any:
        """The next piece."""
        return next(self._pieces)

    __next__ = next


@dataclass(frozen=True)
class Request:
    """What the mock was asked."""

    method: str
    target: str
    body: bytes
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Parameters; a bare key has the value ``""``."""
        found = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}


class S3MockHttp(MockHttp):
    """Answers as S3 does, from the fixtures."""

    fixtures = StorageFileFixtures("s3")
    requests: ClassVar[list[Request]] = []
    recording = threading.Lock()

    def _get_request(self, method: str, url: str, body: Any = None, headers: Any = None) -> Reply:
        data = body.encode() if isinstance(body, str) else bytes(body or b"")
        request = Request(method, url, data, dict(headers or {}))
        with self.recording:
            self.requests.append(request)
        return super()._get_request(method, url, body, headers)

    def root(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """The list of containers."""
        self.assertEqual(method, "GET")
        return 200, self.fixtures.load("list_containers.xml"), XML_HEADERS, "OK"

    def _pictures(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """A container: HEAD, PUT, DELETE, its objects and its unfinished uploads, in two pages."""
        query = Request(method, url, b"", {}).query
        if method == "GET" and "uploads" in query:
            page = 2 if query.get("key-marker") else 1
            return 200, self.fixtures.load(f"list_multipart_{page}.xml"), XML_HEADERS, "OK"
        if method == "GET":
            first = not {"marker", "start-after", "continuation-token"} & set(query)
            page = 1 if first else 2
            return 200, self.fixtures.load(f"list_container_objects_{page}.xml"), XML_HEADERS, "OK"
        return (204 if method == "DELETE" else 200), "", {}, "OK"

    def _absent(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """A container that is not there."""
        return 404, "", {}, "Not Found"

    _absent_key = _absent
    _pictures_absent = _absent

    def _pictures_full(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """An object that cannot be read."""
        return 500, "", {}, "Internal Server Error"

    def _pictures_summer_beach_20day_raw(
        self, method: str, url: str, body: Any, headers: Any
    ) -> Reply:
        """An object, or an upload of it, and all that can be asked of them."""
        query = Request(method, url, b"", {}).query
        if method == "POST" and "uploads" in query:
            return 200, self.fixtures.load("initiate_multipart.xml"), XML_HEADERS, "OK"
        if method == "POST":
            self.assertEqual(query["uploadId"], UPLOAD_ID)
            return 200, self.fixtures.load("complete_multipart.xml"), XML_HEADERS, "OK"
        if method == "PUT":
            etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            if "partNumber" in query:
                etag = f"part-{query['partNumber']}"
            return 200, "", {"ETag": f'"{etag}"'}, "OK"
        if method == "DELETE":
            return 204, "", {}, "No Content"
        meta = {"x-amz-meta-rabbits": "monkeys", "x-goog-meta-rabbits": "monkeys"}
        found = {"Content-Length": "12345", "ETag": '"0a1b"', "Content-Type": "image/raw", **meta}
        if method == "GET":
            return 200, "0123456789" * 100, {**found, "Content-Length": "1000"}, "OK"
        return 200, "", found, "OK"

    def _pictures_my_divisor(self, method: str, url: str, body: Any, headers: Any) -> Reply:
        """An object with an unfinished upload."""
        self.assertEqual(method, "DELETE")
        return 204, "", {}, "No Content"

    _pictures_my_movie_m2ts = _pictures_my_divisor
    _pictures_wint_C3_A9r_2B1_raw = _pictures_my_divisor


class S3DriverTests(LibcloudTestCase):
    """To be derived from: the derived class says ``driver_type`` and ``__test__ = True``."""

    __test__ = False
    driver_type: ClassVar[type[BaseS3StorageDriver]]
    driver_args: ClassVar[tuple[Any, ...]] = ("key", "secret")
    mock_http: ClassVar[type[S3MockHttp]] = S3MockHttp
    name = "summer/beach day.raw"

    def setUp(self) -> None:
        super().setUp()
        connection_class = self.driver_type.connectionCls
        patch = mock.patch.object(connection_class, "conn_class", self.mock_http)
        patch.start()
        self.addCleanup(patch.stop)
        self.mock_http.requests.clear()
        self.mock_http.type = None
        self.driver: Any = self.driver_type(*self.driver_args)
        self.container = Container("pictures", {}, self.driver)
        self.object = Object(self.name, 1000, None, {}, {}, self.container, self.driver)

    @property
    def requests(self) -> list[Request]:
        """What was asked, parts in the order of their numbers."""
        return sorted(self.mock_http.requests, key=lambda r: int(r.query.get("partNumber", 0)))

    def requested(self, method: str, *keys: str) -> list[Request]:
        """The requests of a method whose query has ``keys``."""
        return [r for r in self.requests if r.method == method and set(keys) <= set(r.query)]

    def upload(self, source: Any, **options: Any) -> Object:
        """Upload a stream."""
        stored: Object = self.driver.upload_object_via_stream(
            source, self.container, self.name, **options
        )
        return stored

    def listed_parts(self) -> list[tuple[str | None, str | None]]:
        """Number and ETag of the parts that Complete listed."""
        (complete,) = self.requested("POST", "uploadId")
        root = ElementTree.fromstring(complete.body)
        self.assertEqual(root.tag, "CompleteMultipartUpload")
        return [(part.findtext("PartNumber"), part.findtext("ETag")) for part in root.iter("Part")]
