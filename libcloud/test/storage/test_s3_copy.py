# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes: what is kept, what is refused, and what goes wrong on the way."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.capabilities import GIB, MIB
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.s3 import profiles
from libcloud.storage.s3.profiles import S3Profile
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidObjectNameError,
    ObjectDoesNotExistError,
    ObjectTooLargeError,
    PreconditionFailedError,
)
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import Endpoint, moto_server, rclone_server
from libcloud.test.storage.fakes.state import StoredObject
from libcloud.test.storage.s3_servers import (
    BUCKET,
    PART,
    Store,
    copies,
    found,
    in_parts,
    pattern,
    put,
    store,
)

KEPT = {"content_type": "text/plain", "meta_data": {"color": "blue", "name": "Zoë"}}


@pytest.fixture(params=["4", "2"])
def either(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store, with a driver that signs by either version."""
    with store(version=request.param, buckets=(BUCKET, "other")) as made:
        yield made


@pytest.fixture
def amazon() -> Iterator[Store]:
    with store(buckets=(BUCKET, "other")) as made:
        yield made


def description(made: Store, name: str) -> dict[str, str]:
    """The headers of an object, but for its storage class."""
    headers = dict(made.server.objects[BUCKET, name].headers)
    headers.pop("x-amz-storage-class", None)
    return headers


def test_one_request_copies_content_and_description(either: Store) -> None:
    obj = put(either, extra=KEPT, headers={"Cache-Control": "no-store"})
    copy = either.driver.ex_copy_object(obj, Container("other", {}, either.driver), "copy")
    assert (copy.name, copy.size, copy.hash) == ("copy", 10, obj.hash)
    assert (copy.container.name, copy.driver) == ("other", either.driver)
    assert copy.meta_data == KEPT["meta_data"]
    assert copy.extra["content_type"] == "text/plain"
    assert copies(either) == ["CopyObject"]
    stored = either.server.objects["other", "copy"]
    assert bytes(stored.body) == either.body("source")
    assert stored.headers == description(either, "source")


def test_parts_are_copied_with_the_description_too(either: Store) -> None:
    obj = put(either, 2 * PART + 1, extra=KEPT, headers={"Cache-Control": "no-store"})
    copy = in_parts(either, obj)
    assert either.body("copy") == pattern(2 * PART + 1)
    assert (copy.size, copy.meta_data) == (2 * PART + 1, KEPT["meta_data"])
    assert copy.hash == found(either, "copy").hash
    assert copy.hash.endswith("-3")
    assert description(either, "copy") == description(either, "source")
    assert sorted(set(copies(either))) == [
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "UploadPartCopy",
    ]
    assert [
        entry.headers["x-amz-copy-source-range"] for entry in either.requests("UploadPartCopy")
    ] == ["bytes=0-999", "bytes=1000-1999", "bytes=2000-2000"]
    either.assert_nothing_is_left("copy", "source")


@pytest.mark.parametrize("part_size", [None, PART])
def test_tags_are_copied_and_can_be_replaced(amazon: Store, part_size: int | None) -> None:
    tags = {"a b": "c&d", "e": ""}
    obj = put(amazon, 2 * PART, ex_tags=tags)
    copy = in_parts(amazon, obj, ex_part_size=part_size)
    assert amazon.driver.ex_get_object_tags(copy) == tags
    headers = {"x-amz-tagging": "f=g", "x-amz-tagging-directive": "REPLACE"}
    copy = in_parts(amazon, obj, "other", headers=headers, ex_part_size=part_size)
    assert amazon.driver.ex_get_object_tags(copy) == {"f": "g"}


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART])
def test_what_fits_a_part_is_one_request(amazon: Store, size: int) -> None:
    in_parts(amazon, put(amazon, size))
    assert amazon.body("copy") == pattern(size)
    assert copies(amazon) == ["CopyObject"]


NAMES = [
    "a b",
    "a+b",
    "a//b",
    "/lead",
    "a/../b",
    "..",
    "é/ü",
    "100%",
    "%2F",
    "a?b=c",
    "a#b",
    "\x01",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_copied_to_any_other(either: Store, name: str) -> None:
    obj = put(either, 2 * PART, name)
    either.driver.ex_copy_object(obj, either.container, name + "1")
    in_parts(either, obj, name + "2")
    assert either.body(name + "1") == either.body(name + "2") == either.body(name)


# What is kept, and what is changed


@pytest.mark.parametrize("part_size", [None, 5])
def test_metadata_is_replaced_and_all_else_is_kept(amazon: Store, part_size: int | None) -> None:
    headers = {"Cache-Control": "no-store", "Content-Encoding": "gzip"}
    obj = put(amazon, extra=KEPT, headers=headers)
    copy = in_parts(amazon, obj, metadata={"new": "é"}, ex_part_size=part_size)
    assert copy.meta_data == {"new": "é"}
    assert found(amazon, "copy").meta_data == {"new": "é"}
    stored = amazon.server.objects[BUCKET, "copy"].headers
    assert stored["content-type"] == "text/plain"
    assert (stored["cache-control"], stored["content-encoding"]) == ("no-store", "gzip")


def test_metadata_can_be_removed(amazon: Store) -> None:
    copy = amazon.driver.ex_copy_object(put(amazon, extra=KEPT), amazon.container, "c", metadata={})
    assert copy.meta_data == found(amazon, "c").meta_data == {}
    assert found(amazon, "c").extra["content_type"] == "text/plain"


@pytest.mark.parametrize("part_size", [None, 5])
def test_a_content_type_keeps_the_metadata(amazon: Store, part_size: int | None) -> None:
    obj = put(amazon, extra=KEPT)
    copy = in_parts(amazon, obj, content_type="image/png", ex_part_size=part_size)
    assert copy.extra["content_type"] == "image/png"
    again = found(amazon, "copy")
    assert (again.extra["content_type"], again.meta_data) == ("image/png", KEPT["meta_data"])


@pytest.mark.parametrize("part_size", [None, 5])
def test_headers_that_describe_the_copy_hold(amazon: Store, part_size: int | None) -> None:
    obj = put(amazon, extra=KEPT, headers={"cache-control": "no-store"})
    in_parts(amazon, obj, headers={"Cache-Control": "private"}, ex_part_size=part_size)
    stored = amazon.server.objects[BUCKET, "copy"]
    assert stored.headers["cache-control"] == "private"
    assert stored.metadata["color"] == "blue"


@pytest.mark.parametrize("part_size", [None, 5])
def test_a_storage_class_is_the_caller_s(amazon: Store, part_size: int | None) -> None:
    obj = put(amazon, ex_storage_class="glacier_ir")
    in_parts(amazon, obj, "warm", ex_part_size=part_size)
    in_parts(amazon, obj, "cold", ex_storage_class="glacier", ex_part_size=part_size)
    objects = amazon.server.objects
    assert objects[BUCKET, "cold"].headers["x-amz-storage-class"] == "GLACIER"
    assert "x-amz-storage-class" not in objects[BUCKET, "warm"].headers


def _customer_key(letter: bytes, prefix: str = "x-amz-") -> dict[str, str]:
    key, name = letter * 32, f"{prefix}server-side-encryption-customer-"
    return {
        f"{name}algorithm": "AES256",
        f"{name}key": base64.b64encode(key).decode(),
        f"{name}key-MD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }


@pytest.mark.parametrize("part_size", [None, 5])
def test_customers_keys_of_source_and_copy(amazon: Store, part_size: int | None) -> None:
    obj = amazon.stream(iter([pattern(10)]), "source", headers=_customer_key(b"a"))
    of_source = _customer_key(b"a", "x-amz-copy-source-")
    in_parts(amazon, obj, headers={**of_source, **_customer_key(b"b")}, ex_part_size=part_size)
    assert amazon.body("copy") == pattern(10)
    objects = amazon.server.objects
    md5 = _customer_key(b"b")["x-amz-server-side-encryption-customer-key-MD5"]
    assert objects[BUCKET, "copy"].customer_key == md5
    with pytest.raises(LibcloudError):
        in_parts(amazon, obj, "third", ex_part_size=part_size)


@pytest.mark.parametrize("part_size", [None, 5])
def test_a_copy_can_require_that_the_destination_does_not_exist(
    amazon: Store, part_size: int | None
) -> None:
    obj = put(amazon)
    put(amazon, 3, "copy")
    with pytest.raises(PreconditionFailedError) as caught:
        in_parts(amazon, obj, headers={"If-None-Match": "*"}, ex_part_size=part_size)
    assert caught.value.object_name == "copy"
    assert amazon.body("copy") == pattern(3)
    amazon.assert_nothing_is_left("copy", "source")


# What is refused


def test_a_copy_onto_itself_must_change_something(amazon: Store) -> None:
    obj = put(amazon, extra=KEPT)
    before = len(amazon.server.requests)
    with pytest.raises(ValueError, match="onto itself"):
        amazon.driver.ex_copy_object(obj, amazon.container, obj.name)
    with pytest.raises(ValueError, match="onto itself"):
        in_parts(amazon, obj, obj.name, headers={"x-amz-request-payer": "requester"})
    assert len(amazon.server.requests) == before


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"color": "red"}},
        {"content_type": "image/png"},
        {"ex_storage_class": "glacier"},
        {"headers": {"x-amz-server-side-encryption": "AES256"}},
        {"headers": {"Cache-Control": "private"}},
        {"headers": {"X-Amz-Meta-Color": "red"}},
    ],
)
@pytest.mark.parametrize("part_size", [None, 5])
def test_a_copy_onto_itself_changes_it(
    amazon: Store, change: dict[str, Any], part_size: int | None
) -> None:
    obj = put(amazon, extra=KEPT)
    before = amazon.server.objects[BUCKET, "source"].headers
    in_parts(amazon, obj, obj.name, ex_part_size=part_size, **change)
    assert amazon.body("source") == pattern(10)
    assert amazon.server.objects[BUCKET, "source"].headers != before
    kept = found(amazon, "source").meta_data
    assert kept == change.get("metadata", {**kept, "name": "Zoë"})


def test_an_object_of_another_store_is_refused(amazon: Store) -> None:
    with store() as elsewhere:
        obj = put(elsewhere)
        with pytest.raises(ValueError, match="another store"):
            amazon.driver.ex_copy_object(obj, amazon.container, "copy")
    assert not amazon.server.requests


def test_a_driver_of_the_same_store_may_have_found_the_object(amazon: Store) -> None:
    obj = put(amazon)
    again: Any = S3StorageDriver(
        *(amazon.server.key, amazon.server.secret),
        secure=False,
        host=amazon.server.host,
        port=amazon.server.port,
    )
    again.ex_copy_object(obj, amazon.container, "copy")
    assert amazon.body("copy") == pattern(10)


@pytest.mark.parametrize(
    "name", ["x-amz-copy-source", "X-Amz-Copy-Source-Range", "x-amz-metadata-directive"]
)
def test_headers_that_are_the_copy_s_own_are_refused(amazon: Store, name: str) -> None:
    obj = put(amazon)
    with pytest.raises(ValueError, match=name):
        in_parts(amazon, obj, headers={name: "COPY"})
    assert copies(amazon) == []


def test_what_is_not_there_cannot_be_copied(either: Store) -> None:
    obj = put(either)
    obj.delete()
    with pytest.raises(ObjectDoesNotExistError) as caught:
        either.driver.ex_copy_object(obj, either.container, "copy")
    assert caught.value.object_name == "source"
    assert copies(either) == ["DeleteObject"]


@pytest.mark.parametrize("part_size", [None, 5])
def test_nothing_is_copied_to_a_missing_container(amazon: Store, part_size: int | None) -> None:
    nowhere = Container("nowhere", {}, amazon.driver)
    with pytest.raises(ContainerDoesNotExistError) as caught:
        amazon.driver.ex_copy_object(put(amazon), nowhere, "copy", ex_part_size=part_size)
    assert caught.value.container_name == "nowhere"


def test_names_and_options_are_checked(amazon: Store) -> None:
    obj = put(amazon)
    with pytest.raises(InvalidObjectNameError):
        amazon.driver.ex_copy_object(obj, amazon.container, "")
    with pytest.raises(ValueError, match="window"):
        in_parts(amazon, obj, ex_window=0)
    with pytest.raises(ValueError, match="storage class"):
        in_parts(amazon, obj, ex_storage_class="ice")
    with pytest.raises(ValueError, match="control"):
        in_parts(amazon, obj, metadata={"a": "b\n"})
    assert copies(amazon) == []


# Sizes


@contextlib.contextmanager
def huge(size: int, **changes: Any) -> Iterator[tuple[Store, Any]]:
    """A store that holds an object of ``size`` bytes, without the bytes."""
    profile = replace(profiles.AMAZON, **changes)
    with store(replace(AMAZON, keep_bodies=False), ex_profile=profile) as made:
        stored = StoredObject(b"", size, "e" * 32, AMAZON.clock(), {"content-type": "text/plain"})
        made.server.state.objects[BUCKET, "huge"] = stored
        yield made, found(made, "huge")


def test_up_to_the_size_of_one_put_it_is_one_request() -> None:
    with huge(5 * GIB) as (made, obj):
        copy = made.driver.ex_copy_object(obj, made.container, "copy")
        assert copy.size == made.server.objects[BUCKET, "copy"].size == 5 * GIB
        assert copies(made) == ["CopyObject"]


def test_beyond_that_it_is_many() -> None:
    with huge(5 * GIB + 1) as (made, obj):
        copy = made.driver.ex_copy_object(obj, made.container, "copy", ex_window=3)
        assert copy.size == made.server.objects[BUCKET, "copy"].size == 5 * GIB + 1
        assert made.server.count("UploadPartCopy") == 21
        (complete,) = made.requests("CompleteMultipartUpload")
        assert complete.headers["x-amz-mp-object-size"] == str(5 * GIB + 1)
        assert made.server.peak_parts() <= 3
        made.assert_nothing_is_left("copy", "huge")


def test_parts_grow_so_that_their_number_suffices() -> None:
    limits = replace(profiles.AMAZON.limits, max_parts=3)
    with huge(6 * GIB, limits=limits) as (made, obj):
        made.driver.ex_copy_object(obj, made.container, "copy")
        assert made.server.count("UploadPartCopy") == 3


def test_a_store_without_upload_part_copy_is_an_error_before_anything_is_sent() -> None:
    with huge(5 * GIB + 1, supports_copy_part=False) as (made, obj):
        with pytest.raises(ObjectTooLargeError, match="not known to copy in parts") as caught:
            made.driver.ex_copy_object(obj, made.container, "copy")
        assert caught.value.object_name == "huge"
        assert copies(made) == []


@pytest.mark.parametrize("changes", [{"supports_copy_part": False}, {"supports_multipart": False}])
def test_a_store_without_upload_part_copy_gets_one_such_request(changes: dict[str, Any]) -> None:
    with huge(5 * GIB, **changes) as (made, obj):
        made.driver.ex_copy_object(obj, made.container, "copy", ex_part_size=GIB)
        assert copies(made) == ["CopyObject"]


def test_a_store_may_copy_any_size_by_one_request() -> None:
    with huge(7 * GIB, copies_any_size=True, supports_copy_part=False) as (made, obj):
        made.server.options = replace(made.server.options, max_put_size=8 * GIB)
        made.server.state.options = made.server.options
        made.driver.ex_copy_object(obj, made.container, "copy")
        assert copies(made) == ["CopyObject"]


# Real servers


def real(endpoint: Endpoint, profile: S3Profile) -> tuple[Any, Container]:
    driver: Any = S3StorageDriver(
        *(endpoint.key, endpoint.secret),
        secure=False,
        host=endpoint.host,
        port=endpoint.port,
        ex_profile=profile,
    )
    return driver, driver.create_container(BUCKET)


def read(driver: Any, name: str) -> bytes:
    return b"".join(driver.download_object_as_stream(driver.get_object(BUCKET, name)))


@pytest.mark.slow
def test_moto_copies_wholes_and_parts() -> None:
    with moto_server() as endpoint:
        driver, container = real(endpoint, profiles.MOTO)
        data = pattern(11 * MIB)
        driver.upload_object_via_stream(iter([data]), container, "a b+é?", extra=KEPT)
        obj = driver.get_object(BUCKET, "a b+é?")
        whole = driver.ex_copy_object(obj, container, "whole")
        parts = driver.ex_copy_object(obj, container, "parts", ex_part_size=5 * MIB)
        red = driver.ex_copy_object(obj, container, obj.name, metadata={"color": "red"})
        for copy in (whole, parts, red):
            again = driver.get_object(BUCKET, copy.name)
            assert read(driver, copy.name) == data
            assert (again.hash, again.size) == (copy.hash, copy.size)
            assert again.meta_data == copy.meta_data
            assert again.extra["content_type"] == "text/plain"
        assert parts.hash.endswith("-3")
        assert red.meta_data == {"color": "red"}
        assert list(driver.ex_iterate_multipart_uploads(container)) == []


@pytest.mark.slow
def test_rclone_copies_wholes_and_is_found_out_with_parts() -> None:
    with rclone_server() as endpoint:
        driver, container = real(endpoint, profiles.RCLONE)
        data = pattern(2 * MIB)
        driver.upload_object_via_stream(iter([data]), container, "a b+é", extra=KEPT)
        obj = driver.get_object(BUCKET, "a b+é")
        copy = driver.ex_copy_object(obj, container, "dir/copy", ex_part_size=MIB)
        assert read(driver, "dir/copy") == data
        assert (copy.size, copy.hash) == (obj.size, obj.hash)
        driver.profile = replace(profiles.RCLONE, supports_copy_part=True)
        with pytest.raises(LibcloudError, match="supports_copy_part=False"):
            driver.ex_copy_object(obj, container, "parts", ex_part_size=MIB)
        assert sorted(one.name for one in container.list_objects()) == ["a b+é", "dir/copy"]
        assert list(driver.ex_iterate_multipart_uploads(container)) == []
