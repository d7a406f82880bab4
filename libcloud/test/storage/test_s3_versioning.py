# SPDX-License-Identifier: Apache-2.0
"""Versions of objects: deleted and restored, the versioning of a bucket, and other stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import DeletedObject, S3StorageDriver
from libcloud.storage.s3 import requests
from libcloud.storage.types import (
    ObjectDoesNotExistError,
)
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import moto_server
from libcloud.test.storage.s3_servers import BUCKET, Store, pattern, store
from libcloud.test.storage.s3_versions import Page, listed, put, read, versioned


@pytest.fixture
def s3() -> Iterator[Store]:
    """A store whose bucket keeps versions."""
    with versioned() as made:
        yield made


# Deletion.


@pytest.mark.parametrize("origin", ["uploaded", "looked up", "listed", "by name"])
def test_an_object_that_is_deleted_keeps_its_versions(s3: Store, origin: str) -> None:
    (obj,) = put(s3, b"1")
    if origin == "looked up":
        obj = s3.container.get_object("object")
    elif origin == "listed":
        (obj,) = s3.container.list_objects()
    if origin == "by name":
        assert s3.driver.ex_delete_objects(["object", "other"], s3.container)[0].deleted
    else:
        assert obj.delete()
    marker, version = listed(s3, object_name="object")
    assert marker.is_delete_marker
    assert not version.is_delete_marker


def test_an_uploaded_object_among_many_keeps_its_versions(s3: Store) -> None:
    objects = [*put(s3, b"1"), *put(s3, b"2", name="b")]
    assert all(one.deleted for one in s3.driver.ex_delete_objects(objects))
    assert [version.is_delete_marker for version in listed(s3)] == [True, False, True, False]


def test_a_version_is_deleted_for_good(s3: Store) -> None:
    put(s3, b"1", b"2")
    new, old = listed(s3)
    assert new.delete()
    assert read(s3.container.get_object("object")) == b"1"
    old.delete()
    assert listed(s3) == []


@pytest.mark.parametrize("bulk", [True, False])
def test_versions_are_deleted_together(bulk: bool) -> None:
    with store(replace(AMAZON, bulk_delete=bulk)) as s3:
        s3.driver.ex_set_versioning(s3.container, True)
        put(s3, b"1", b"2", b"3")
        put(s3, b"4", name="other")
        third, second, first, other = listed(s3)
        chosen = [second, ("object", first.version_id), "other", ("other", other.version_id)]
        results = s3.driver.ex_delete_objects(chosen, s3.container)
        assert results == [
            DeletedObject(BUCKET, "object", second.version_id),
            DeletedObject(BUCKET, "object", first.version_id),
            DeletedObject(BUCKET, "other"),
            DeletedObject(BUCKET, "other", other.version_id),
        ]
        left, marker = listed(s3)
        assert left.version_id == third.version_id
        assert marker.is_delete_marker
        assert s3.server.operations().count("DeleteObjects") == 1


def test_a_version_that_cannot_be_deleted_is_named() -> None:
    with store(replace(AMAZON, undeletable=frozenset({"locked"}))) as made:
        made.driver.ex_set_versioning(made.container, True)
        put(made, b"1", name="locked")
        put(made, b"1", name="free")
        free, locked = listed(made)
        results = made.driver.ex_delete_objects([locked, free])
        assert [result.version_id for result in results] == [locked.version_id, free.version_id]
        assert [result.deleted for result in results] == [False, True]
        assert locked.version_id in str(results[0].error)


def test_a_missing_version_counts_as_deleted(s3: Store) -> None:
    put(s3, b"1", b"2")
    versions = listed(s3)
    for _ in range(2):
        assert all(one.deleted for one in s3.driver.ex_delete_objects(versions))
    status = Status(404, "NoSuchVersion")
    s3.server.faults.add("DeleteObject", status)
    with pytest.raises(ObjectDoesNotExistError, match="version"):
        versions[0].delete()


def test_a_lost_response_does_not_delete_another_version(s3: Store) -> None:
    put(s3, b"1", b"2")
    newest, _ = listed(s3)
    s3.server.faults.add("DeleteObject", LoseAnswer())
    assert newest.delete()
    assert [read(version) for version in listed(s3)] == [b"1"]


@pytest.mark.parametrize("pair", [("a",), ("a", ""), ("a", None), ("", "b"), ("a", "b", "c")])
def test_an_invalid_pair_of_name_and_version_is_refused(s3: Store, pair: Any) -> None:
    with pytest.raises(ValueError, match="is not a pair"):
        s3.driver.ex_delete_objects([pair], s3.container)
    assert not s3.server.requests


# Restoring.


def test_a_deleted_object_is_restored(s3: Store) -> None:
    (obj,) = put(s3, b"1")
    obj.delete()
    restored = s3.driver.ex_undelete_object(s3.container, "object")
    assert read(restored) == b"1"
    assert len(listed(s3)) == 1
    s3.server.log.clear()
    assert read(s3.driver.ex_undelete_object(s3.container, "object")) == b"1"
    assert "DeleteObject" not in s3.server.operations()


def test_an_object_that_was_deleted_twice_is_restored(s3: Store) -> None:
    (obj,) = put(s3, b"1")
    s3.server.faults.add("DeleteObject", LoseAnswer())  # the retry adds a second marker
    obj.delete()
    assert [version.is_delete_marker for version in listed(s3)] == [True, True, False]
    assert read(s3.driver.ex_undelete_object(s3.container, "object")) == b"1"


@pytest.mark.parametrize("markers", [0, 1])
def test_an_object_without_versions_cannot_be_restored(s3: Store, markers: int) -> None:
    for obj in put(s3, *[b"1"] * markers):
        obj.delete()
        listed(s3)[1].delete()
    with pytest.raises(ObjectDoesNotExistError, match="no version of it has data"):
        s3.driver.ex_undelete_object(s3.container, "object")
    assert len(listed(s3)) == markers


def test_a_longer_name_is_not_restored(s3: Store) -> None:
    put(s3, b"1", name="object2")
    with pytest.raises(ObjectDoesNotExistError):
        s3.driver.ex_undelete_object(s3.container, "object")


# Versioning of a container.


def test_versioning_is_enabled_and_suspended(s3: Store) -> None:
    assert s3.driver.ex_get_versioning(s3.container) == "enabled"
    (kept,) = put(s3, b"kept")
    s3.server.faults.add("PutBucketVersioning", LoseAnswer())
    s3.driver.ex_set_versioning(s3.container, False)
    assert s3.driver.ex_get_versioning(s3.container) == "suspended"
    first, second = put(s3, b"1", b"2")
    assert first.extra["version_id"] == second.extra["version_id"] == "null"
    assert read(second) == b"2"
    assert read(kept) == b"kept"
    assert [version.version_id for version in listed(s3)] == ["null", kept.extra["version_id"]]
    s3.driver.ex_set_versioning(s3.container, True)
    put(s3, b"3")
    assert read(second) == b"2"
    assert read(s3.container.get_object("object", ex_version_id="null")) == b"2"


def test_an_object_from_before_versioning_is_the_version_null() -> None:
    with store() as made:
        put(made, b"before")
        made.driver.ex_set_versioning(made.container, True)
        put(made, b"after")
        assert [version.version_id for version in listed(made)][1] == "null"
        assert read(made.container.get_object("object", ex_version_id="null")) == b"before"


@pytest.mark.parametrize("enabled", ["on", 1, None])
def test_versioning_is_set_to_true_or_false(s3: Store, enabled: Any) -> None:
    with pytest.raises(TypeError, match="True or False"):
        s3.driver.ex_set_versioning(s3.container, enabled)
    assert not s3.server.requests


def test_another_document_is_no_versioning_configuration(s3: Store) -> None:
    s3.server.faults.add("GetBucketVersioning", Page(b"<ListBucketResult/>"), times=None)
    with pytest.raises(LibcloudError, match="is ListBucketResult, not Versioning"):
        s3.driver.ex_get_versioning(s3.container)


# Other stores.


def test_a_driver_without_versions_raises_an_error() -> None:
    driver = DummyStorageDriver("key", "secret")
    container = driver.create_container("container")
    _says_so(driver, container)


def test_a_store_without_versions_gets_no_request() -> None:
    for driver in (
        GoogleStorageDriver("GOOG" + "0" * 16, "secret"),
        S3StorageDriver("key", "secret", host="127.0.0.1", port=9, ex_s3_profile="r2"),
    ):
        _says_so(driver, Container("container", {}, driver))
        with pytest.raises(LibcloudError, match="does not support versions"):
            driver.get_object("container", "object", ex_version_id="x")


def _says_so(driver: Any, container: Container) -> None:
    assert not driver.capabilities.versions
    calls: list[Callable[[], object]] = [
        lambda: driver.ex_iterate_object_versions(container),
        lambda: driver.ex_undelete_object(container, "object"),
        lambda: driver.ex_get_versioning(container),
        lambda: driver.ex_set_versioning(container, True),
        lambda: driver.ex_delete_objects([("object", "version")], container),
    ]
    for call in calls:
        with pytest.raises(LibcloudError, match="does not support versions"):
            call()


# Requests.


def test_a_request_for_the_newest_version_names_none() -> None:
    plain = requests.get_object("/b/k")
    assert requests.of_version(plain, None) is plain
    assert requests.of_version(plain, "a/b+").params == (("versionId", "a/b+"),)


def test_the_marker_of_a_version_needs_that_of_a_key() -> None:
    names = dict(requests.list_versions("/b", marker=(None, "x")).params)
    assert names == {"versions": None}
    body = requests.delete_objects("/b", keys=[("k", "1&2"), ("l", None), "m"]).body
    assert isinstance(body, bytes)
    assert b"<Object><Key>k</Key><VersionId>1&amp;2</VersionId></Object>" in body
    assert b"<Object><Key>l</Key></Object><Object><Key>m</Key></Object>" in body


# fsspec.


def test_files_of_fsspec_are_opened_by_the_id_of_a_version(s3: Store) -> None:
    from libcloud.storage.filesystem import LibcloudFileSystem

    data = pattern(100_000)
    old, _ = put(s3, data, b"newer")
    version_id = old.extra["version_id"]
    fs: Any = LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True)
    with fs.open("bucket/object", "rb", version_id=version_id, block_size=10_000) as file:
        assert file.read() == data
    assert fs.info("bucket/object", version_id=version_id)["size"] == len(data)
    assert fs.cat_file("bucket/object", version_id=version_id, start=-3) == data[-3:]
    assert fs.cat_file("bucket/object") == b"newer"
    with pytest.raises(FileNotFoundError):
        fs.open("bucket/object", "rb", version_id="null")
    memory: Any = LibcloudFileSystem(driver=DummyStorageDriver("a", "b"), skip_instance_cache=True)
    memory.mkdir("c")
    with pytest.raises(LibcloudError, match="does not support versions"):
        memory.open("c/x", "rb", version_id="x")


# A real server.


@pytest.mark.slow
def test_moto_agrees() -> None:
    with moto_server() as endpoint:
        driver = S3StorageDriver(
            endpoint.key, endpoint.secret, secure=False, host=endpoint.host, port=endpoint.port
        )
        container = driver.create_container("bucket")
        driver.ex_set_versioning(container, True)
        made = [
            driver.upload_object_via_stream(iter([data]), container, "a b+é")
            for data in (b"1", b"22")
        ]
        assert [read(obj) for obj in made] == [b"1", b"22"]
        made[1].delete()
        found = list(driver.ex_iterate_object_versions(container))
        assert [one.is_delete_marker for one in found] == [True, False, False]
        assert read(found[2]) == b"1"
        with pytest.raises(ObjectDoesNotExistError, match="delete marker"):
            container.get_object("a b+é", ex_version_id=found[0].version_id)
        assert read(driver.ex_undelete_object(container, "a b+é")) == b"22"
        restored = driver.ex_copy_object(found[2], container, "a b+é")
        assert read(container.get_object("a b+é")) == b"1"
        driver.ex_set_object_tags(restored, {"é": "x y"})
        assert driver.ex_get_object_tags(restored) == {"é": "x y"}
        driver.ex_set_upload_expiry(container, 7)
        assert driver.ex_get_upload_expiry(container) == 7
        versions = driver.ex_iterate_object_versions(container)
        assert all(result.deleted for result in driver.ex_delete_objects(versions))
        assert driver.delete_container(container)
