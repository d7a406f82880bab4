# SPDX-License-Identifier: Apache-2.0
"""Containers and listings of the S3 driver, and what its errors say, on a server that checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3EUWestStorageDriver, S3StorageDriver
from libcloud.storage.s3.profiles import GENERIC
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
)
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.fakes.faults import Drop, Status
from libcloud.test.storage.fakes.options import AMAZON, NO_NAMESPACE
from libcloud.test.storage.s3_servers import PART, Store, pattern, store, with_small_parts

LONG = pattern(PART * 2 + 1)


# Containers.


def test_delete_container_not_empty(s3: Store) -> None:
    """And what becomes of a container before and after that."""
    created = s3.driver.create_container("new")
    assert s3.driver.get_container("new").name == "new"
    (found,) = [container for container in s3.driver.list_containers() if container.name == "new"]
    assert found.extra["creation_date"]
    created.upload_object_via_stream(iter([b"x"]), "object")
    with pytest.raises(ContainerIsNotEmptyError, match=r"409.*BucketNotEmpty"):
        created.delete()
    assert created.get_object("object").delete() is True
    assert created.delete() is True


def test_delete_container_doesnt_exist(s3: Store) -> None:
    with pytest.raises(ContainerDoesNotExistError):
        Container("absent", {}, s3.driver).delete()


def test_delete_container_not_found(s3: Store) -> None:
    """404 without a code, as from a proxy."""
    s3.server.faults.add("DeleteBucket", Status(404, ""))
    with pytest.raises(ContainerDoesNotExistError):
        s3.container.delete()


def test_list_containers_empty(s3: Store) -> None:
    s3.container.delete()
    assert s3.driver.list_containers() == []


def test_create_container_already_exists(s3: Store) -> None:
    s3.server.faults.add("CreateBucket", Status(409, "BucketAlreadyOwnedByYou"))
    with pytest.raises(ContainerAlreadyExistsError, match=r"409.*BucketAlreadyOwnedByYou"):
        s3.driver.create_container("new")


def test_create_container_bad_request(s3: Store) -> None:
    s3.server.faults.add("CreateBucket", Status(400, "InvalidBucketName"))
    with pytest.raises(InvalidContainerNameError, match=r"400.*InvalidBucketName"):
        s3.driver.create_container("new")


@pytest.mark.parametrize(
    ("kind", "region", "location"),
    [
        (S3StorageDriver, "us-east-1", b""),
        (S3StorageDriver, "eu-west-1", b"<LocationConstraint>eu-west-1</LocationConstraint>"),
        (S3StorageDriver, "eu-central-2", b"<LocationConstraint>eu-central-2</LocationConstraint>"),
    ],
)
def test_region_keyword_argument(kind: Any, region: str, location: bytes) -> None:
    """G27."""
    with store(replace(AMAZON, region=region), kind) as s3:
        s3.driver.create_container("new")
        assert location in s3.server.requests[0].body
        assert bool(s3.server.requests[0].body) is bool(location)


def test_the_class_of_a_region_names_its_location() -> None:
    with store(replace(AMAZON, region=None), S3EUWestStorageDriver) as s3:
        s3.driver.create_container("new")
        assert b"<LocationConstraint>EU</LocationConstraint>" in s3.server.requests[0].body


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "BucketAlreadyExists", InvalidContainerNameError),
        (400, "TooManyBuckets", ContainerError),
        (400, "IllegalLocationConstraintException", ContainerError),
        (403, "AccessDenied", InvalidCredsError),
        (501, "NotImplemented", LibcloudError),
    ],
)
def test_a_container_that_is_not_created(
    s3: Store, status: int, code: str, error: type[LibcloudError]
) -> None:
    s3.server.faults.add("CreateBucket", Status(status, code))
    with pytest.raises(error, match=f"{status}.*{code}") as caught:
        s3.driver.create_container("new")
    assert type(caught.value) is error
    assert "new" in str(caught.value)


# What a HEAD says, and does not say.


def test_only_404_means_that_a_container_is_absent(s3: Store) -> None:
    """G17: with 400 for "absent", callers that create what is missing would overwrite data."""
    for status in (400, 405, 409, 501):
        s3.server.faults.clear()
        s3.server.faults.add("HeadBucket", Status(status))
        with pytest.raises(LibcloudError, match=f"container bucket.*{status}") as caught:
            s3.driver.get_container("bucket")
        assert not isinstance(caught.value, ContainerDoesNotExistError)
    with pytest.raises(ContainerDoesNotExistError, match="404"):
        s3.driver.get_container("absent")


def test_a_forbidden_container_counts_as_existing(s3: Store) -> None:
    s3.server.faults.add("HeadBucket", Status(403, "AccessDenied"))
    assert s3.driver.get_container("somebody-elses").name == "somebody-elses"


def test_only_404_means_that_an_object_is_absent(s3: Store) -> None:
    s3.stream(iter([b"x"]))
    for status in (400, 403, 405, 409, 501):
        s3.server.faults.clear()
        s3.server.faults.add("HeadObject", Status(status))
        with pytest.raises(LibcloudError, match=f"bucket/object.*{status}") as caught:
            s3.driver.get_object("bucket", "object")
        assert not isinstance(caught.value, ObjectDoesNotExistError)
    with pytest.raises(ObjectDoesNotExistError, match=r"bucket/absent.*404"):
        s3.driver.get_object("bucket", "absent")


def test_looking_up_an_object_is_one_request_in_a_container_and_two_by_name(s3: Store) -> None:
    s3.stream(iter([b"x"]))
    s3.server.log.clear()
    s3.container.get_object("object")
    assert s3.server.operations() == ["HeadObject"]
    s3.driver.get_object("bucket", "object")
    assert s3.server.operations() == ["HeadObject", "HeadBucket", "HeadObject"]


def test_an_override_of_get_object_is_called(s3: Store) -> None:
    class Own(type(s3.driver)):  # type: ignore[misc]  # the class of a fixture
        def get_object(self, container_name: str, object_name: str) -> Any:
            return container_name, object_name

    found: Any = Container("bucket", {}, object.__new__(Own)).get_object("object")
    assert found == ("bucket", "object")
    assert s3.server.requests == []


def test_bucket_is_located_in_different_region() -> None:
    with store() as s3:
        headers = {"x-amz-bucket-region": "eu-west-3", "Location": "http://127.0.0.1:1/"}
        for operation in ("HeadBucket", "HeadObject", "PutObject", "CreateMultipartUpload"):
            s3.server.faults.add(operation, Status(301, "PermanentRedirect", headers=headers))
        acts: list[Callable[[], Any]] = [
            lambda: s3.driver.get_container("bucket"),
            lambda: s3.container.get_object("object"),
            lambda: s3.stream(iter([b"x"])),
            lambda: s3.stream(iter([LONG])),
        ]
        for act in acts:
            with pytest.raises(LibcloudError, match=r"'eu-west-3'.*'us-east-1'.*301") as caught:
                act()
            assert vars(caught.value)["detail"].region == "eu-west-3"
        assert len(s3.server.requests) == 4


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidObjectState", "RequestTimeTooSkewed"])
def test_a_rejection_has_its_code(s3: Store, code: str) -> None:
    """G28."""
    s3.stream(iter([b"x"]))
    found = s3.container.get_object("object")
    s3.server.faults.add("GetObject", Status(403, code, "It is so."), times=None)
    with pytest.raises(InvalidCredsError, match=rf"bucket/object.*403.*{code}.*It is so"):
        b"".join(found.as_stream())


@pytest.mark.parametrize("fault", [Status(503, "SlowDown"), Status(500), Drop()])
def test_a_retryable_request_is_retried(s3: Store, fault: Any) -> None:
    """G9."""
    s3.stream(iter([b"x"]))
    for operation in ("HeadBucket", "HeadObject", "GetObject", "ListObjects", "ListObjectsV2"):
        s3.server.faults.add(operation, fault, times=2)
    found = s3.driver.get_object("bucket", "object")
    assert b"".join(found.as_stream()) == b"x"
    assert len(s3.container.list_objects()) == 1
    assert found.delete() is True


# Listings.


def test_list_container_objects_empty(s3: Store) -> None:
    assert s3.container.list_objects() == []


def test_list_container_objects_success(s3: Store) -> None:
    s3.stream(iter([b"x"]), "a/1")
    assert [(obj.name, obj.size) for obj in s3.container.list_objects()] == [("a/1", 1)]


def test_list_container_objects_with_prefix(s3: Store) -> None:
    for name in ("a/1", "b/1"):
        s3.stream(iter([b"x"]), name)
    assert [obj.name for obj in s3.container.list_objects(prefix="b/")] == ["b/1"]
    assert s3.requests("ListObjects", "ListObjectsV2")[0].query["prefix"] == "b/"


class BareStorageDriver(S3StorageDriver):
    """For a store of which nothing is known."""

    profile = GENERIC


@pytest.mark.parametrize(
    ("options", "kind"), [(AMAZON, S3StorageDriver), (NO_NAMESPACE, BareStorageDriver)]
)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_all_pages_are_listed_once(options: Any, kind: Any, size: int) -> None:
    with store(replace(options, page_size=size), kind) as s3:
        names = [f"{letter}/{number}" for letter in "ab+" for number in range(2)]
        for name in names:
            s3.stream(iter([b"x"]), name)
            s3.driver._initiate_multipart(s3.container, name)
        assert [obj.name for obj in s3.container.list_objects()] == sorted(names)
        assert [obj.name for obj in s3.container.list_objects(prefix="b/")] == ["b/0", "b/1"]
        found = list(s3.driver.ex_iterate_multipart_uploads(s3.container))
        assert [upload.key for upload in found] == sorted(names)
        with_prefix = list(s3.driver.ex_iterate_multipart_uploads(s3.container, prefix="b/"))
        assert [upload.key for upload in with_prefix] == ["b/0", "b/1"]


def test_a_listing_of_a_minimal_server_has_the_fields_it_sends() -> None:
    """G8, L1: without namespace, owner, initiator and a false IsTruncated."""
    with store(NO_NAMESPACE, BareStorageDriver) as s3:
        s3.stream(iter([b"x"]))
        (obj,) = s3.container.list_objects()
        assert (obj.name, obj.size) == ("object", 1)
        s3.driver._initiate_multipart(s3.container, "begun")
        (upload,) = s3.driver.ex_iterate_multipart_uploads(s3.container)
        assert (upload.key, upload.owner, upload.initiator) == ("begun", None, None)
        assert s3.in_parts(3) == s3.body()


def test_the_time_of_an_upload_is_an_aware_time() -> None:
    """G26: an unparsed text cannot be compared with a time."""
    with store() as s3:
        s3.driver._initiate_multipart(s3.container, "begun")
        (upload,) = s3.driver.ex_iterate_multipart_uploads(s3.container)
        assert abs((upload.created_at - datetime.now(timezone.utc)).total_seconds()) < 900


Answers = Callable[[Received], bytes]


def listing(entries: str, *, root: str = "ListBucketResult") -> bytes:
    return reply(200, f"<{root}>{entries}</{root}>".encode(), {"Content-Type": "application/xml"})


def driver_on(server: Loopback, **members: Any) -> Any:
    kind = type("Driver", (with_small_parts(S3StorageDriver),), members)
    return kind("key", "secret", secure=False, host="127.0.0.1", port=server.port)


def test_names_are_read_as_utf_8_whatever_the_content_type() -> None:
    """G25: ``text/xml`` without a charset is not Latin-1."""
    body = "<ListBucketResult><Contents><Key>é</Key><Size>1</Size></Contents></ListBucketResult>"
    for kind in ("text/xml", "application/xml", "text/plain"):
        page = reply(200, body.encode(), {"Content-Type": kind})
        with Loopback(lambda request, page=page: page) as server:  # type: ignore[misc]
            (found,) = Container("bucket", {}, driver_on(server)).list_objects()
            assert (found.name, found.hash) == ("é", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>a page</html>",
        b"<html>half a",
        b"<ListBucketResult><Contents/></ListBucketResult>",
    ],
)
def test_an_invalid_response_is_called_malformed(body: bytes) -> None:
    with Loopback(lambda request: reply(200, body, {"Content-Type": "text/xml"})) as server:
        driver = driver_on(server)
        container = Container("bucket", {}, driver)
        with pytest.raises(MalformedResponseError):
            container.list_objects()
        with pytest.raises(LibcloudError):
            driver.upload_object_via_stream(iter([LONG]), container, "object", ex_part_size=PART)
        assert not [request for request in server.requests if request.method == "PUT"]


def test_an_error_within_a_200_has_its_code() -> None:
    body = b"<Error><Code>InternalError</Code><Message>It is so.</Message></Error>"
    with Loopback(lambda request: reply(200, body, {"Content-Type": "text/xml"})) as server:
        container = Container("bucket", {}, driver_on(server))
        with pytest.raises(LibcloudError, match=r"bucket.*200.*InternalError.*It is so"):
            container.list_objects()


# Cleaning up.


def test_cleanup_continues_after_a_missing_upload(s3: Store) -> None:
    """G26."""
    for name in "abc":
        s3.driver._initiate_multipart(s3.container, name)
    s3.server.faults.add("AbortMultipartUpload", Status(404, "NoSuchUpload"), nth=1)
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    assert [upload.key for upload in s3.server.unfinished_uploads()] == ["a"]
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    s3.assert_nothing_is_left()


def test_cleanup_continues_after_an_error_and_raises_it_at_the_end(s3: Store) -> None:
    for name in "abc":
        s3.driver._initiate_multipart(s3.container, name)
    s3.server.faults.add("AbortMultipartUpload", Status(403, "AccessDenied"), nth=2)
    with pytest.raises(LibcloudError, match=r"bucket/b.*403.*AccessDenied"):
        s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    assert [upload.key for upload in s3.server.unfinished_uploads()] == ["b"]


def test_cleaning_up_takes_only_what_has_the_prefix(s3: Store) -> None:
    for name in ("a/1", "b/1", "b/2"):
        s3.driver._initiate_multipart(s3.container, name)
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container, prefix="b/")
    assert [upload.key for upload in s3.server.unfinished_uploads()] == ["a/1"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_page_that_names_both_marks_is_followed_by_the_one_of_its_version(version: int) -> None:
    def page(request: Received) -> bytes:
        last = "marker=k1" in request.target or "continuation-token=t" in request.target
        rest = b"" if last else b"<NextContinuationToken>t</NextContinuationToken>"
        rest += b"" if last else b"<NextMarker>k1</NextMarker>"
        return reply(
            200,
            b"<ListBucketResult><IsTruncated>%s</IsTruncated>%s<Contents><Key>%s</Key>"
            b"<Size>1</Size></Contents></ListBucketResult>"
            % (b"false" if last else b"true", rest, b"k2" if last else b"k1"),
        )

    with Loopback(page) as server:
        profile = replace(GENERIC, list_version=version)
        driver = S3StorageDriver(
            "k", "s", secure=False, host="127.0.0.1", port=server.port, ex_profile=profile
        )
        names = [obj.name for obj in Container("bucket", {}, driver).list_objects()]
    assert names == ["k1", "k2"]
    assert len(server.requests) == 2
