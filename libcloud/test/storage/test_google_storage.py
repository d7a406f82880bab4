# SPDX-License-Identifier: Apache-2.0
"""The Google Cloud Storage driver, against a server that shows what it was sent."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from libcloud.common.google import GoogleAuthType
from libcloud.common.signing import sigv2
from libcloud.common.types import LibcloudError, ProviderError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers import google_storage
from libcloud.storage.drivers.google_storage import (
    ContainerPermissions,
    GoogleStorageConnection,
    GoogleStorageDriver,
    ObjectPermissions,
)
from libcloud.storage.types import ObjectHashMismatchError
from libcloud.test._loopback import Loopback, Received, reply

KEY = "GOOG0123456789ABCXYZ"
SECRET = "the/secret"
MIB = 1024 * 1024


def driver_at(server: Loopback, **kwargs: Any) -> GoogleStorageDriver:
    where = {"host": "127.0.0.1", "port": server.port, "secure": False, **kwargs}
    return GoogleStorageDriver(KEY, SECRET, **where)


def store(request: Received) -> bytes:
    """Answers as Google does to a PUT and to a GET of an object."""
    etag = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
    return reply(200, b"<a/>" if request.method == "GET" else b"", {"ETag": f'"{etag}"'})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(store) as running:
        yield running


@pytest.fixture
def driver(server: Loopback) -> GoogleStorageDriver:
    return driver_at(server, project="a-project")


def container(driver: GoogleStorageDriver) -> Container:
    return Container("bucket", {}, driver)


def expected_signature(request: Received) -> str:
    """What Google computes from what arrived."""
    text = sigv2.string_to_sign(
        method=request.method,
        target=request.target,
        headers=request.headers,
        vendor_prefix="x-goog",
    )
    return f"GOOG1 {KEY}:{sigv2.sign(SECRET, text)}"


# Requests.


@pytest.mark.parametrize("name", ["k", "a//b", "/lead", "a/../b", "é +%"])
def test_requests_are_signed_as_they_arrive(
    server: Loopback, driver: GoogleStorageDriver, name: str
) -> None:
    extra = {"meta_data": {"Owner": "Somebody"}, "content_type": "Text/Plain"}
    driver.upload_object_via_stream(iter([b"abc"]), container(driver), name, extra)
    (request,) = server.requests
    assert request.headers["authorization"] == expected_signature(request)
    assert request.target == f"/bucket/{driver._clean_object_name(name)}"
    assert request.headers["x-goog-meta-owner"] == "Somebody"
    assert request.headers["x-goog-project-id"] == "a-project"
    assert request.headers["date"].endswith(" GMT")


def test_sub_resources_are_signed(server: Loopback, driver: GoogleStorageDriver) -> None:
    driver.connection.request("/bucket/k?acl", params={"prefix": "x"})
    (request,) = server.requests
    assert request.headers["authorization"] == expected_signature(request)
    bare = Received(request.method, "/bucket/k", request.headers, b"")
    assert request.headers["authorization"] != expected_signature(bare)


def test_what_the_library_adds_on_the_way_is_not_signed(driver: GoogleStorageDriver) -> None:
    connection = driver.connection
    connection.method, connection.action = "GET", "/b/k"
    plain = connection._get_s3_auth_signature({}, {"Date": "d", "Accept-Encoding": "gzip"})
    assert plain == connection._get_s3_auth_signature({}, {"Date": "d", "User-Agent": "x"})


def test_a_checksum_header_is_signed_as_it_is(server: Loopback) -> None:
    driver = driver_at(server)
    driver.connection.request(
        "/bucket/k", method="PUT", data=b"abc", headers={"Content-MD5": "kAFQmDzST7DWlj99KOF/cg=="}
    )
    (request,) = server.requests
    assert request.headers["authorization"] == expected_signature(request)
    assert "x-goog-project-id" not in request.headers


def test_an_access_token_replaces_the_signature(server: Loopback) -> None:
    kept = mock.Mock(access_token="the-token", user_id="me@example.org")
    with mock.patch.object(google_storage, "GoogleOAuth2Credential", return_value=kept) as make:
        driver = driver_at(server, auth_type=GoogleAuthType.IA, credential_file="f")
    driver.connection.request("/bucket/k")
    assert server.requests[0].headers["authorization"] == "Bearer the-token"
    assert make.call_args.args == (KEY, SECRET, "IA", "f")
    assert driver._get_user() == "me@example.org"


def test_host_and_port_reach_both_connections(server: Loopback) -> None:
    driver = driver_at(server, timeout=7)
    other = GoogleStorageDriver(KEY, SECRET)
    for connection in (driver.connection, driver.json_connection):
        assert (connection.host, connection.port) == ("127.0.0.1", server.port)
        assert connection.auth_type == GoogleAuthType.GCS_S3
        assert connection.timeout == 7
        assert connection.driver is driver
    assert other.connection.host == "storage.googleapis.com"
    assert other.json_connection.host == "www.googleapis.com"
    assert GoogleStorageConnection.host == "storage.googleapis.com"


def test_a_driver_without_a_secret_keeps_its_arguments_apart() -> None:
    kept = mock.Mock(access_token="the-token")
    with mock.patch.object(google_storage, "GoogleOAuth2Credential", return_value=kept):
        driver = GoogleStorageDriver("robot", auth_type=GoogleAuthType.GCE)
    assert driver.secret is None
    assert driver.connection.secure == 1


@pytest.mark.parametrize("status", [302, 307])
def test_redirects_are_not_followed(status: int) -> None:
    with Loopback() as elsewhere:
        place = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        with Loopback(lambda request: reply(status, b"", place)) as server:
            request = driver_at(server).connection.request
            with pytest.raises(LibcloudError):
                request("/bucket/k")
    assert elsewhere.requests == []


# Uploads.


def _generator(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    yield b""
    yield data[len(data) // 2 :]


def _positioned(data: bytes) -> io.BytesIO:
    stream = io.BytesIO(b"head: " + data)
    stream.seek(6)
    return stream


SOURCES: list[Callable[[bytes], Any]] = [_generator, _positioned, io.BytesIO]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("size", [0, 6, 9 * MIB])
def test_the_size_of_an_object_is_what_was_sent(
    driver: GoogleStorageDriver, source: Callable[[bytes], Any], size: int
) -> None:
    obj = driver.upload_object_via_stream(source(b"x" * size), container(driver), "k")
    assert obj.size == size


def test_a_large_stream_goes_chunked_and_a_small_one_with_its_length(
    server: Loopback, driver: GoogleStorageDriver
) -> None:
    for size in (6, 9 * MIB):
        driver.upload_object_via_stream(_generator(b"x" * size), container(driver), "k")
    small, large = server.requests
    assert small.headers["content-length"] == "6"
    assert large.headers["transfer-encoding"] == "chunked"


def test_a_storage_class_is_sent_only_on_request(
    server: Loopback, driver: GoogleStorageDriver
) -> None:
    for name in (None, "nearline", "STANDARD", "standard_ia"):
        driver.upload_object_via_stream(iter([b"a"]), container(driver), "k", ex_storage_class=name)
    sent = [request.headers.get("x-goog-storage-class") for request in server.requests]
    assert sent == [None, "NEARLINE", "STANDARD", "STANDARD_IA"]


def test_an_unknown_storage_class_is_refused(server: Loopback, driver: GoogleStorageDriver) -> None:
    with pytest.raises(ValueError, match="Invalid storage class value: cold"):
        driver.upload_object_via_stream(
            iter([b"a"]), container(driver), "k", ex_storage_class="cold"
        )
    assert server.requests == []


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize(
    ("headers", "stored"),
    [
        ({"x-goog-hash": f"crc32c=AAAAAA==,md5={_md5(b'abc')}", "ETag": '"opaque"'}, True),
        ({"x-goog-hash": f"crc32c=AAAAAA==,md5={_md5(b'abd')}"}, False),
        ({"ETag": '"' + "0" * 32 + '"'}, False),
        ({"ETag": '"opaque"', "x-goog-encryption-kms-key-name": "k"}, True),
        ({"x-goog-hash": "md5=!", "ETag": '"' + "0" * 32 + '"'}, False),
        ({}, True),
    ],
)
def test_a_file_is_compared_with_the_hash_that_google_computed(
    tmp_path: Path, headers: dict[str, str], stored: bool
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    with Loopback(lambda request: reply(200, b"", headers)) as server:
        driver = driver_at(server)
        if stored:
            assert driver.upload_object(file, container(driver), "k").size == 3
        else:
            with pytest.raises(ObjectHashMismatchError):
                driver.upload_object(file, container(driver), "k")


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ({"content-length": "7", "x-goog-stored-content-length": "5"}, "7"),
        ({"x-goog-stored-content-length": "5"}, "5"),
        ({}, None),
    ],
)
def test_the_stored_size_replaces_a_missing_length(
    driver: GoogleStorageDriver, headers: dict[str, str], size: str | None
) -> None:
    assert driver._get_content_length_from_headers(headers) == size


def test_streams_are_not_uploaded_in_parts(driver: GoogleStorageDriver) -> None:
    assert not driver.supports_s3_multipart_upload
    assert not driver.capabilities.multipart
    assert driver.capabilities.chunked_encoding


def test_downloads_come_back(server: Loopback, driver: GoogleStorageDriver) -> None:
    server.answer = lambda request: reply(200, b"content")
    obj = Object("a//k", 7, "", {}, {}, container(driver), driver)
    assert b"".join(driver.download_object_as_stream(obj)) == b"content"
    assert server.requests[0].target == "/bucket/a//k"


# Permissions.


def said(status: int, body: bytes = b"{}") -> bytes:
    return reply(status, body, {"Content-Type": "application/json"})


def deciding(acl: int, write: int, read: int) -> Callable[[Received], bytes]:
    """Answers to the three questions about permissions with these statuses."""

    def answer(request: Received) -> bytes:
        path = request.target.partition("?")[0]
        status = acl if path.endswith("/acl") else write if "/o/writecheck" in path else read
        return said(status)

    return answer


@pytest.mark.parametrize(
    ("acl", "write", "read", "on_container", "on_object"),
    [
        (200, 200, 200, ContainerPermissions.OWNER, ObjectPermissions.OWNER),
        (403, 412, 200, ContainerPermissions.WRITER, ObjectPermissions.READER),
        (403, 404, 403, ContainerPermissions.WRITER, ObjectPermissions.NONE),
        (403, 403, 200, ContainerPermissions.READER, ObjectPermissions.READER),
        (403, 403, 403, ContainerPermissions.NONE, ObjectPermissions.NONE),
        (404, 404, 404, ContainerPermissions.NONE, ObjectPermissions.NONE),
    ],
)
def test_the_level_is_the_highest_that_responses_show(
    server: Loopback,
    driver: GoogleStorageDriver,
    acl: int,
    write: int,
    read: int,
    on_container: int,
    on_object: int,
) -> None:
    server.answer = deciding(acl, write, read)
    assert driver.ex_get_permissions("bucket", "o b/x") == (on_container, on_object)
    assert driver.ex_get_permissions("bucket") == (on_container, None)
    assert server.requests[0].target == "/storage/v1/b/bucket/o/o%20b%2Fx/acl"


def test_the_question_whether_one_may_write_cannot_delete_anything(
    server: Loopback, driver: GoogleStorageDriver
) -> None:
    server.answer = deciding(403, 412, 403)
    driver.ex_get_permissions("bucket")
    (deletion,) = [request for request in server.requests if request.method == "DELETE"]
    assert deletion.target == "/storage/v1/b/bucket/o/writecheck?ifGenerationMatch=0"
    assert deletion.headers["x-goog-if-generation-match"] == "0"


@pytest.mark.parametrize(("acl", "write"), [(500, 200), (403, 500)])
def test_other_errors_are_reported(
    server: Loopback, driver: GoogleStorageDriver, acl: int, write: int
) -> None:
    server.answer = deciding(acl, write, 403)
    with pytest.raises(ProviderError) as caught:
        driver.ex_get_permissions("bucket")
    assert caught.value.http_code == 500
    assert caught.value.driver is driver


@pytest.mark.parametrize(
    ("object_name", "role", "sent"),
    [
        (None, ContainerPermissions.WRITER, "WRITER"),
        (None, 0, "NONE"),
        ("o", ObjectPermissions.OWNER, "OWNER"),
        ("o", "reader", "reader"),
    ],
)
def test_a_permission_is_set(
    server: Loopback,
    driver: GoogleStorageDriver,
    object_name: str | None,
    role: int | str,
    sent: str,
) -> None:
    server.answer = lambda request: said(200)
    driver.ex_set_permissions("bucket", object_name, "user-a@b", role)
    (request,) = server.requests
    place = "o/o/acl" if object_name else "acl"
    assert (request.method, request.target) == ("POST", f"/storage/v1/b/bucket/{place}")
    assert json.loads(request.body) == {"role": sent, "entity": "user-a@b"}
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("object_name", "role"), [(None, 4), (None, -1), ("o", 3), (None, None)])
def test_a_level_that_does_not_exist_is_refused(
    server: Loopback, driver: GoogleStorageDriver, object_name: str | None, role: int | None
) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        driver.ex_set_permissions("bucket", object_name, "user-a@b", role)
    assert server.requests == []


@pytest.mark.parametrize(
    ("entity", "user", "expected"),
    [
        ("user-a@b", None, "user-a@b"),
        (None, "me@x", "user-me@x"),
        ("user-a/../b", None, "user-a%2F..%2Fb"),
    ],
)
def test_a_permission_is_deleted(
    server: Loopback,
    driver: GoogleStorageDriver,
    entity: str | None,
    user: str | None,
    expected: str,
) -> None:
    server.answer = lambda request: said(204, b"")
    with mock.patch.object(driver, "_get_user", return_value=user):
        driver.ex_delete_permissions("bucket", "o", entity)
    (request,) = server.requests
    assert (request.method, request.target) == (
        "DELETE",
        f"/storage/v1/b/bucket/o/o/acl/{expected}",
    )


def test_without_an_entity_there_must_be_a_user(driver: GoogleStorageDriver) -> None:
    with pytest.raises(ValueError, match="Must provide an entity"):
        driver.ex_delete_permissions("bucket")
    with pytest.raises(ValueError, match="Must provide an entity"):
        driver.ex_set_permissions("bucket", role="READER")


# Copies.


def large_object(request: Received) -> bytes:
    """Answers as Google does to a HEAD of an object of 6 GiB, and to a copy of it."""
    if request.method == "HEAD":
        headers = {"Content-Type": "text/plain", "x-goog-meta-a": "1", "ETag": '"e1"'}
        return reply(200, b"", {**headers, "Content-Length": str(6 * 1024 * MIB)})
    return reply(200, b"<CopyObjectResult><ETag>&quot;e2&quot;</ETag></CopyObjectResult>")


def test_one_request_copies_any_size_with_headers_of_google(
    server: Loopback, driver: GoogleStorageDriver
) -> None:
    server.answer = large_object
    source = Object("a b", 0, None, {}, {}, container(driver), driver)
    copy = driver.ex_copy_object(
        source, container(driver), "new", metadata={"b": "2"}, ex_storage_class="coldline"
    )
    assert (copy.size, copy.hash, copy.meta_data) == (6 * 1024 * MIB, "e2", {"b": "2"})
    look, request = server.requests
    assert (look.method, look.target) == ("HEAD", "/bucket/a%20b")
    assert (request.method, request.target, request.body) == ("PUT", "/bucket/new", b"")
    sent = {name: value for name, value in request.headers.items() if name.startswith("x-goog-")}
    assert sent == {
        "x-goog-copy-source": "bucket/a%20b",
        "x-goog-copy-source-if-match": '"e1"',
        "x-goog-meta-b": "2",
        "x-goog-metadata-directive": "REPLACE",
        "x-goog-project-id": "a-project",
        "x-goog-storage-class": "COLDLINE",
    }
    assert request.headers["content-type"] == "text/plain"
    assert request.headers["authorization"] == expected_signature(request)


def test_many_objects_are_deleted_one_by_one(server: Loopback, driver: GoogleStorageDriver) -> None:
    server.answer = lambda request: reply(204)
    results = driver.ex_delete_objects(["a", "b"], container(driver))
    assert all(result.deleted for result in results)
    assert {request.target for request in server.requests} == {"/bucket/a", "/bucket/b"}
