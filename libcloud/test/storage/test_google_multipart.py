# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts to Google Cloud Storage, which are off unless they are asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.google_storage import GoogleStorageConnection, GoogleStorageDriver
from libcloud.storage.types import DeletedObject
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.fakes.options import GOOGLE
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store

KEY = "GOOG0123456789ABCXYZ"
OPTIONS = replace(GOOGLE, key=KEY)


class Unsigned(GoogleStorageConnection):
    """Sends a token that needs no request of its own."""

    def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
        headers["Authorization"] = f"Bearer {GOOGLE.bearer}"
        return params, headers


class WithToken(GoogleStorageDriver):
    connectionCls = Unsigned


@contextlib.contextmanager
def google(
    kind: type[GoogleStorageDriver] = GoogleStorageDriver, **keywords: Any
) -> Iterator[Store]:
    with store(OPTIONS, kind, **{"ex_multipart_uploads": True, **keywords}) as there:
        yield there


@pytest.mark.parametrize("kind", [GoogleStorageDriver, WithToken], ids=["HMAC", "token"])
def test_a_stream_is_uploaded_in_parts(kind: type[GoogleStorageDriver]) -> None:
    with google(kind, project="a-project") as there:
        extra = {"meta_data": {"owner": "me"}, "content_type": "text/plain"}
        data = there.in_parts(3, extra=extra, headers={"x-goog-storage-class": "NEARLINE"})

        assert there.body() == data
        assert len(there.requests("UploadPart")) == 3
        created = dict(there.requests("CreateMultipartUpload")[0].headers)
        assert created["x-goog-meta-owner"] == "me"
        assert created["x-goog-storage-class"] == "NEARLINE"
        assert created["content-type"] == "text/plain"
        found = there.driver.get_object(BUCKET, "object")
        assert (found.size, found.meta_data) == (len(data), {"owner": "me"})
        there.assert_nothing_is_left("object")


def test_parts_are_off_by_default() -> None:
    driver = GoogleStorageDriver(KEY, "secret")
    assert not GoogleStorageDriver.supports_s3_multipart_upload
    assert not driver.capabilities.multipart
    with pytest.raises(LibcloudError, match="Feature not supported"):
        list(driver.ex_iterate_multipart_uploads(Container("bucket", {}, driver)))


@pytest.mark.parametrize("flag", [True, False])
def test_the_flag_of_a_class_and_the_keyword_turn_parts_on(flag: bool) -> None:
    class Flagged(GoogleStorageDriver):
        supports_s3_multipart_upload = flag

    assert Flagged(KEY, "secret").capabilities.multipart is flag
    assert Flagged(KEY, "secret", ex_multipart_uploads=not flag).capabilities.multipart is not flag
    assert Flagged.supports_s3_multipart_upload is flag


def test_a_file_is_uploaded_in_parts(tmp_path: Path) -> None:
    data = pattern(3 * PART)
    (tmp_path / "file").write_bytes(data)
    with google() as there:
        there.driver.upload_object(tmp_path / "file", there.container, "object", ex_part_size=PART)

        assert there.body() == data
        assert len(there.requests("UploadPart")) == 3


@pytest.mark.parametrize("name", ["x-goog-if-generation-match", "If-None-Match", "If-Match"])
def test_a_precondition_is_refused_before_anything_is_sent(name: str) -> None:
    with google() as there:
        with pytest.raises(ValueError, match="no preconditions for uploads in parts"):
            there.in_parts(3, headers={name: "0"})

        assert there.server.requests == []


def test_a_failing_source_leaves_nothing() -> None:
    error = OSError("the source failed")
    with google() as there:
        with pytest.raises(OSError, match="the source failed"):
            there.stream(there.failing(error, pattern(2 * PART)))

        assert len(there.requests("AbortMultipartUpload")) == 1
        there.assert_nothing_is_left()


def test_uploads_in_progress_are_listed_and_aborted() -> None:
    with google() as there:
        there.driver._initiate_multipart(there.container, "object")

        assert [upload.key for upload in there.driver.ex_iterate_multipart_uploads(there.container)]
        there.driver.ex_cleanup_all_multipart_uploads(there.container)
        there.assert_nothing_is_left()


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("action", [LoseAnswer(), Status(503, "ServiceUnavailable")])
def test_a_fault_does_not_fail_the_upload(operation: str, action: Any) -> None:
    with google() as there:
        there.server.faults.add(operation, action)
        data = there.in_parts(3)

        assert there.body() == data
        there.assert_nothing_is_left("object")


def test_a_token_that_is_revoked_during_an_upload_is_replaced_once() -> None:
    renewed = []

    class Credential:
        access_token = GOOGLE.bearer
        user_id = "me"

        def renew(self, refused: str) -> None:
            if refused == self.access_token:
                renewed.append(refused)
                self.access_token = GOOGLE.bearer

    class Tokens(GoogleStorageDriver):
        connectionCls = GoogleStorageConnection

    with google(Tokens) as there:
        credential: Any = Credential()
        there.driver.connection.oauth2_credential = credential

        def source() -> Iterator[bytes]:
            yield pattern(3 * PART)[:PART]
            credential.access_token = "revoked"
            yield pattern(3 * PART)[PART:]

        there.stream(source())
        assert there.body() == pattern(3 * PART)
        assert renewed == ["revoked"]


def test_a_customer_s_key_is_sent_with_each_part() -> None:
    headers = {
        "x-goog-encryption-algorithm": "AES256",
        "x-goog-encryption-key": "a2V5",
        "x-goog-encryption-key-sha256": "aGFzaA==",
    }
    with google() as there:
        there.in_parts(2, headers=headers)

        for entry in there.requests("CreateMultipartUpload", "UploadPart"):
            assert headers.items() <= dict(entry.headers).items()


def test_objects_are_deleted_one_by_one() -> None:
    with google() as there:
        objects = [there.stream(iter([b"abc"]), name) for name in ("a", "b")]
        deleted = list(there.driver.ex_delete_objects(objects))

        assert [type(each) for each in deleted] == [DeletedObject] * 2
        assert there.requests("DeleteObjects") == []
        there.assert_nothing_is_left()


def test_the_fake_refuses_what_google_refuses() -> None:
    create = {"x-goog-if-generation-match": "0"}
    with google() as there:

        def code(method: str, path: str, headers: dict[str, str], **params: None) -> str:
            driver = there.driver
            with contextlib.suppress(LibcloudError):
                driver.connection.request(
                    f"/{BUCKET}{path}", params=params, method=method, data=b"abc", headers=headers
                )
            return str(there.server.requests[-1].code)

        assert code("PUT", "/a", {"x-amz-meta-a": "b"}) == "InvalidArgument"
        assert code("PUT", "/a", {"If-None-Match": "*"}) == "InvalidArgument"
        assert code("POST", "/a", create, uploads=None) == "InvalidArgument"
        assert code("POST", "", {}, delete=None) == "NotImplemented"
        assert code("PUT", "/a", create) == ""
        assert code("PUT", "/a", create) == "PreconditionFailed"
