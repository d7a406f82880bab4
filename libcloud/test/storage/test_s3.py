# SPDX-License-Identifier: Apache-2.0
"""The S3 driver in the manner of LIBCLOUD-269: with a mock connection, on ``driver_type``.

The numbers in the docstrings are those of the behaviours of the issue: U upload, F failure, L
listing, D driver reuse, C connection, H helpers. What a mock cannot see is tested on a server that
checks what it is sent, in the other ``test_s3_*.py``.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import (
    CHUNK_SIZE,
    BaseS3StorageDriver,
    S3APNEStorageDriver,
    S3APSEStorageDriver,
    S3EUWestStorageDriver,
    S3MultipartUpload,
    S3StorageDriver,
    S3USWestStorageDriver,
)
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
)
from libcloud.test._mock_answers import Reply
from libcloud.test.storage.fakes.options import MIB
from libcloud.test.storage.s3_classic import (
    COMPLETE_ETAG,
    UPLOAD_ID,
    DummyIterator,
    S3DriverTests,
    S3MockHttp,
)

PARTS = bytes(2 * 8 * MIB + 1)  # three parts of the default size


class EveryDriverTests(S3DriverTests):
    """What holds for all drivers that derive from the S3 driver, with and without multipart."""

    def test_the_driver_under_test_uses_the_mock(self) -> None:
        """D2: the tests run on ``driver_type``, so each class of drivers is really exercised."""
        assert type(self.driver) is self.driver_type
        assert isinstance(self.driver.connection, self.driver_type.connectionCls)
        assert isinstance(self.driver.connection.connection, S3MockHttp)

    def test_list_containers_success(self) -> None:
        found = self.driver.list_containers()
        assert [container.name for container in found] == ["pictures", "texts"]
        assert found[0].extra == {"creation_date": "2013-01-01T00:00:00.000Z"}

    def test_list_container_objects_iterator_has_more(self) -> None:
        found = self.container.list_objects()
        names = ["autumn/leaf.jpg", "summer/beach day.raw", "wintér+1.raw"]
        assert [obj.name for obj in found] == names
        assert (found[0].size, found[0].hash) == (4, "bab4ff04cc14af66e4d42c85f888cfe6")
        assert found[0].meta_data["owner"]["display_name"] == "picture-desk"
        assert len(self.requests) == 2

    def test_get_container_success(self) -> None:
        """D5: one HEAD request."""
        assert self.driver.get_container("pictures").name == "pictures"
        assert [(r.method, r.path) for r in self.requests] == [("HEAD", "/pictures")]

    def test_get_container_doesnt_exist(self) -> None:
        with self.assertRaises(ContainerDoesNotExistError):
            self.driver.get_container("absent")

    def test_get_object_success(self) -> None:
        """D4, D5: two HEAD requests, on encoded paths."""
        found = self.driver.get_object("pictures", self.name)
        paths = ["/pictures", "/pictures/summer/beach%20day.raw"]
        assert [(r.method, r.path) for r in self.requests] == [("HEAD", path) for path in paths]
        assert (found.size, found.hash, found.container.name) == (12345, "0a1b", "pictures")
        assert found.extra["content_type"] == "image/raw"
        assert found.meta_data == {"rabbits": "monkeys"}

    def test_an_object_of_a_known_container_is_one_head_request(self) -> None:
        assert self.container.get_object(self.name).size == 12345
        assert [r.method for r in self.requests] == ["HEAD"]

    def test_a_replaced_get_object_is_called(self) -> None:
        with mock.patch.object(self.driver, "get_object", return_value=self.object) as replaced:
            assert self.container.get_object("k") is self.object
        replaced.assert_called_once_with(container_name="pictures", object_name="k")
        with mock.patch.object(self.driver_type, "get_object", return_value=self.object):
            assert self.container.get_object("k") is self.object
        assert self.requests == []

    def test_get_object_container_doesnt_exist(self) -> None:
        with self.assertRaises(ContainerDoesNotExistError):
            self.driver.get_object("absent", "key")

    def test_an_object_or_container_that_does_not_exist_is_an_error(self) -> None:
        with self.assertRaises(ObjectDoesNotExistError):
            self.driver.get_object("pictures", "absent")
        with self.assertRaises(ContainerDoesNotExistError):
            Container("absent", {}, self.driver).list_objects()

    def test_get_object_unable_to_determine_object_size(self) -> None:
        with self.assertRaisesRegex(KeyError, "Can not deduce object size"):
            self.driver._headers_to_object("k", self.container, {"etag": '"e"'})

    def test_get_object_no_content_type_and_etag_in_response_headers(self) -> None:
        found = self.driver._headers_to_object("k", self.container, {"content-length": "3"})
        assert (found.size, found.hash, found.extra) == (3, None, {})

    def test_create_container_success(self) -> None:
        assert self.driver.create_container("pictures").name == "pictures"
        assert [r.method for r in self.requests] == ["PUT"]

    def test_delete_container_success(self) -> None:
        assert self.container.delete() is True
        assert [r.method for r in self.requests] == ["DELETE"]

    def test_delete_object_success(self) -> None:
        """D4."""
        assert self.object.delete() is True
        (request,) = self.requests
        assert (request.method, request.path) == ("DELETE", "/pictures/summer/beach%20day.raw")

    def test_delete_object_not_found(self) -> None:
        answer: Reply = (404, "", {}, "Not Found")
        with (
            mock.patch.object(
                self.mock_http, "_pictures_summer_beach_20day_raw", lambda *_: answer
            ),
            self.assertRaises(ObjectDoesNotExistError),
        ):
            self.object.delete()

    def test_clean_object_name(self) -> None:
        assert self.driver._clean_object_name("a/b c+ü") == "a/b%20c%2B%C3%BC"

    def test_download_object_as_stream_success(self) -> None:
        """H2: the body of a mock's response is iterated."""
        assert b"".join(self.object.as_stream()) == b"0123456789" * 100

    def test_download_object_success(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "copy")
            assert self.object.download(str(path)) is True
            assert path.read_bytes() == b"0123456789" * 100

    def test_upload_object_success(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "source.txt")
            path.write_bytes(b"abc")
            stored = self.driver.upload_object(str(path), self.container, self.name)
        (request,) = self.requests
        assert (request.method, request.body, stored.size) == ("PUT", b"abc", 3)
        assert stored.hash == "900150983cd24fb0d6963f7d28e17f72"

    def test_a_patched_upload_is_used(self) -> None:
        """D3: what tests patch today is ``_upload_object``."""
        response = mock.Mock(status=200, headers={"etag": '"e"'})
        answer = {"response": response, "bytes_transferred": 1000, "data_hash": "e"}
        with (
            mock.patch.object(self.driver_type, "_upload_object", return_value=answer) as patched,
            tempfile.NamedTemporaryFile() as file,
        ):
            stored = self.driver.upload_object(file.name, self.container, "k", verify_hash=True)
        assert (stored.size, stored.hash, self.requests) == (1000, "e", [])
        expected = {"object_name", "content_type", "request_path", "request_method", "headers"}
        assert set(patched.call_args.kwargs) == expected | {"file_path", "stream"}

    def upload_with_etag(self, **headers: str) -> Any:
        """A file of the MD5 "e", for which the store reports the ETag "other"."""
        response = mock.Mock(status=200, headers={"etag": '"other"', **headers})
        answer = {"response": response, "bytes_transferred": 3, "data_hash": "e"}
        with (
            mock.patch.object(self.driver_type, "_upload_object", return_value=answer),
            tempfile.NamedTemporaryFile() as file,
        ):
            return self.driver.upload_object(file.name, self.container, "k", verify_hash=True)

    def test_upload_object_invalid_hash2(self) -> None:
        with self.assertRaises(ObjectHashMismatchError):
            self.upload_with_etag()

    def test_upload_object_invalid_hash_kms_encryption(self) -> None:
        kms = {"x-amz-server-side-encryption": "aws:kms"}
        assert self.upload_with_etag(**kms).hash == "other"

    def test_upload_small_object_via_stream(self) -> None:
        """U1, U2, U3, U9: a bare iterator of text; what is less than a part is one PUT."""
        stored = self.upload(DummyIterator(["2", "3", "5"]))
        assert (stored.name, stored.size) == (self.name, 3)
        (request,) = self.requests
        assert (request.method, request.query.get("partNumber")) == ("PUT", None)
        assert request.body == b"235"

    def test_upload_empty_object_via_stream(self) -> None:
        assert self.upload(iter([])).size == 0
        (request,) = self.requests
        assert (request.method, request.body) == ("PUT", b"")

    def test_text_is_sent_as_utf_8(self) -> None:
        """U3."""
        assert self.upload(iter(["é", "", b"e"])).size == 3
        assert self.requests[0].body == "ée".encode()

    def test_every_digest_of_one_body_is_right(self) -> None:
        """U12: Google, asked by version 2, gets Content-MD5; Amazon, over https, a CRC-32."""
        self.upload(iter([b"abc"]))
        headers = {name.lower(): value for name, value in self.requests[0].headers.items()}
        if self.driver.supports_s3_multipart_upload:
            assert headers["x-amz-checksum-crc32"] == "NSRBwg=="
            assert "content-md5" not in headers
        else:
            assert headers["content-md5"] == "kAFQmDzST7DWlj99KOF/cg=="
        assert all(isinstance(value, str) for value in headers.values())

    def test_a_failing_iterator_keeps_its_exception(self) -> None:
        """F2."""
        error = ValueError("mine")

        def source() -> Any:
            yield b"x" * 100
            raise error

        with self.assertRaises(ValueError) as caught:
            self.upload(source())
        assert caught.exception is error

    def test_an_action_with_a_query_gets_its_parameters_after_it(self) -> None:
        """C1, C3."""
        self.driver.connection.request("/pictures?uploads", params={"max-uploads": "7"})
        target = self.requests[0].target
        assert target.startswith("/pictures?uploads&")
        assert self.requests[0].query["max-uploads"] == "7"


class MultipartTests(EveryDriverTests):
    """What holds for drivers that upload streams in parts."""

    def test_upload_big_object_via_stream(self) -> None:
        """U1, U2, U4, U5, U6, U7, U8, U11."""
        stored = self.upload(iter([PARTS[:-100], PARTS[-100:]]))
        create, complete, *parts = self.requests
        assert (create.method, create.target.partition("?")[2]) == ("POST", "uploads")
        assert [int(part.query["partNumber"]) for part in parts] == [1, 2, 3]
        assert {r.query["uploadId"] for r in (complete, *parts)} == {UPLOAD_ID}
        assert b"".join(part.body for part in parts) == PARTS
        assert self.listed_parts() == [("1", "part-1"), ("2", "part-2"), ("3", "part-3")]
        assert (stored.size, stored.hash) == (len(PARTS), COMPLETE_ETAG)

    def test_properties_of_the_object_are_sent_with_the_first_request(self) -> None:
        """U13."""
        extra = {"content_type": "image/raw", "meta_data": {"a": "b"}, "acl": "private"}
        self.upload(iter([PARTS]), extra=extra, ex_storage_class="glacier")
        kept = {
            "content-type": "image/raw",
            "x-amz-meta-a": "b",
            "x-amz-acl": "private",
            "x-amz-storage-class": "GLACIER",
        }
        create, complete, *parts = (
            {name.lower(): value for name, value in r.headers.items()} for r in self.requests
        )
        assert kept.items() <= create.items()
        for headers in (complete, *parts):
            assert not {name for name in kept if name.startswith("x-amz-")} & set(headers)
            assert headers.get("content-type") != "image/raw"

    def test_every_part_has_its_digest(self) -> None:
        """U12: a CRC-32 of each part over https on Amazon, or Content-MD5 when asked for."""
        self.upload(iter([PARTS]), ex_checksum="md5")
        parts = self.requested("PUT")
        digests = [part.headers["Content-MD5"] for part in parts]
        assert digests == ["lplbWNTL9qqpBBtPAMf2rg=="] * 2 + ["k7iFrf4NoInN9jSQT9WfcQ=="]
        self.mock_http.requests.clear()
        self.upload(iter([PARTS]))
        names = {name.lower() for part in self.requested("PUT") for name in part.headers}
        assert "x-amz-checksum-crc32" in names
        assert "content-md5" not in names

    def test_upload_object_via_stream_abort(self) -> None:
        """F1, F2."""
        error = ValueError("mine")

        def source() -> Any:
            yield PARTS
            raise error

        with self.assertRaises(ValueError) as caught:
            self.upload(source(), ex_window=1)  # the third part is read after the first is sent
        assert caught.exception is error
        (delete,) = self.requested("DELETE")
        assert delete.query["uploadId"] == UPLOAD_ID
        assert delete is self.mock_http.requests[-1]
        assert not self.requested("POST", "uploadId")

    def test_s3_list_multipart_uploads(self) -> None:
        """L1, L2, L3."""
        found = list(self.driver.ex_iterate_multipart_uploads(self.container))
        assert all(isinstance(upload, S3MultipartUpload) for upload in found)
        ids = [f"upload-{number}" for number in ("one", "two", "three", "four", "five", "six")]
        assert [upload.id for upload in found] == ids
        for upload in found:
            for value in (upload.key, upload.created_at, upload.owner, upload.initiator):
                assert value is not None
        assert (found[0].key, found[0].initiator) == ("my-divisor", "uploader-11")
        assert repr(found[0]) == "<S3MultipartUpload: key=my-divisor>"
        first, second = self.requests
        assert (first.query["uploads"], first.query["max-uploads"]) == ("", "100")
        assert first.target.startswith("/pictures?uploads&")
        assert second.query["key-marker"] == "my-movie.m2ts"
        assert second.query["upload-id-marker"] == "upload-three"

    def test_the_size_of_a_page_is_an_attribute_of_the_driver_class(self) -> None:
        """L4."""
        with mock.patch.object(self.driver_type, "RESPONSES_PER_REQUEST", 2):
            next(self.driver.ex_iterate_multipart_uploads(self.container, "m", "/"))
        query = self.requests[0].query
        assert (query["max-uploads"], query["prefix"], query["delimiter"]) == ("2", "m", "/")

    def test_s3_abort_multipart_uploads(self) -> None:
        """L5."""
        self.driver.ex_cleanup_all_multipart_uploads(self.container)
        paths = [
            ("/pictures/my-divisor", "upload-one"),
            ("/pictures/my-movie.m2ts", "upload-two"),
            ("/pictures/my-movie.m2ts", "upload-three"),
            ("/pictures/my-movie.m2ts", "upload-four"),
            ("/pictures/summer/beach%20day.raw", "upload-five"),
            ("/pictures/wint%C3%A9r%2B1.raw", "upload-six"),
        ]
        deletes = self.requested("DELETE")
        assert [(r.path, r.query["uploadId"]) for r in deletes] == paths

    def test_a_rejected_abort_is_an_error_when_called_directly(self) -> None:
        """F3."""
        answer: Reply = (500, "", {}, "Internal Server Error")
        name = "_pictures_my_divisor"
        with (
            mock.patch.object(self.mock_http, name, lambda *_: answer),
            self.assertRaisesRegex(LibcloudError, r"Error in multipart abort\. status_code=500"),
        ):
            self.driver._abort_multipart(self.container, "my-divisor", "upload-one")

    def test_the_wire_calls_can_be_made_one_by_one(self) -> None:
        """U4 to U7, with the names of 3.9.1."""
        upload_id = self.driver._initiate_multipart(self.container, self.name)
        assert upload_id == UPLOAD_ID
        chunks, digest, size = self.driver._upload_multipart_chunks(
            self.container, self.name, upload_id, iter([PARTS])
        )
        assert [number for number, _ in chunks] == [1, 2, 3]
        assert (digest, size) == (hashlib.md5(PARTS).hexdigest(), len(PARTS))
        etag = self.driver._commit_multipart(self.container, self.name, upload_id, chunks)
        assert etag == COMPLETE_ETAG
        assert self.driver._abort_multipart(self.container, self.name, upload_id) is None

    def test_a_driver_without_multipart_uploads_in_one_request(self) -> None:
        """U1, L6: the flag of a subclass is all it takes."""
        plain = type("Plain", (self.driver_type,), {"supports_s3_multipart_upload": False})
        driver = plain(*self.driver_args)
        driver.upload_object_via_stream(iter([PARTS[: CHUNK_SIZE + 1]]), self.container, self.name)
        (request,) = self.requests
        assert (request.method, "partNumber" in request.query) == ("PUT", False)
        with self.assertRaisesRegex(LibcloudError, "Feature not supported"):
            list(driver.ex_iterate_multipart_uploads(self.container))


class S3Tests(MultipartTests):
    __test__ = True
    driver_type = S3StorageDriver


class S3USWestTests(MultipartTests):
    __test__ = True
    driver_type = S3USWestStorageDriver


class S3EUWestTests(MultipartTests):
    __test__ = True
    driver_type = S3EUWestStorageDriver


class S3APSETests(MultipartTests):
    __test__ = True
    driver_type = S3APSEStorageDriver


class S3APNETests(MultipartTests):
    __test__ = True
    driver_type = S3APNEStorageDriver


class GoogleStorageTests(EveryDriverTests):
    """D1: Google inherits everything, and uploads nothing in parts."""

    __test__ = True
    driver_type = GoogleStorageDriver
    driver_args = ("GOOG0123456789ABCXYZ", "secret")

    def test_multipart_is_off(self) -> None:
        assert self.driver.supports_s3_multipart_upload is False
        self.upload(iter([b"x"]))
        assert [r.method for r in self.requests] == ["PUT"]

    def test_unfinished_uploads_are_not_supported(self) -> None:
        """L6."""
        with self.assertRaisesRegex(LibcloudError, "Feature not supported"):
            list(self.driver.ex_iterate_multipart_uploads(self.container))
        with self.assertRaisesRegex(LibcloudError, "Feature not supported"):
            self.driver.ex_cleanup_all_multipart_uploads(self.container)
        assert self.requests == []


def test_deprecated_driver_class_per_region() -> None:
    """D2: each of the classes is another one, with its host and its location."""
    found = {
        kind: (kind.region_name, kind.ex_location_name, kind.connectionCls.host)
        for kind in (
            S3USWestStorageDriver,
            S3EUWestStorageDriver,
            S3APSEStorageDriver,
            S3APNEStorageDriver,
        )
    }
    assert list(found.values()) == [
        ("us-west-1", "us-west-1", "s3-us-west-1.amazonaws.com"),
        ("eu-west-1", "EU", "s3-eu-west-1.amazonaws.com"),
        ("ap-southeast-1", "ap-southeast-1", "s3-ap-southeast-1.amazonaws.com"),
        ("ap-northeast-1", "ap-northeast-1", "s3-ap-northeast-1.amazonaws.com"),
    ]
    assert all(issubclass(kind, BaseS3StorageDriver) for kind in found)


def test_objects_made_by_hand_work_as_those_of_a_driver() -> None:
    driver = mock.Mock(spec=["get_object"])
    container = Container("c", {}, driver)
    container.get_object("o")
    driver.get_object.assert_called_once_with(container_name="c", object_name="o")
    assert Object("o", 1, None, None, None, container, driver).meta_data == {}
