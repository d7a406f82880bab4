# SPDX-License-Identifier: Apache-2.0
"""Versions of objects: listed, read, copied and presigned; what is refused before."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object, ObjectVersion
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.types import (
    IncompleteListingError,
    ObjectChangedError,
    ObjectDoesNotExistError,
)
from libcloud.test.storage.fakes.faults import Truncate
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, pattern, store
from libcloud.test.storage.s3_versions import Page, listed, put, read, versioned

ODD_NAMES = ["a b+c", "é//x", "~%41&<>'\"", "\t\x01\r", "..", "a\nb", "%", "plus+ plus"]


@pytest.fixture
def s3() -> Iterator[Store]:
    """A store whose bucket keeps versions."""
    with versioned() as made:
        yield made


# Listings.


def test_versions_and_delete_markers_are_listed_the_newest_first(s3: Store) -> None:
    one, two = put(s3, b"1", b"22")
    two.delete()
    marker, second, first = listed(s3)
    assert (marker.is_delete_marker, marker.is_latest, marker.size) == (True, True, 0)
    assert (second.version_id, second.size, second.hash) == (two.extra["version_id"], 2, two.hash)
    assert (first.version_id, first.is_latest) == (one.extra["version_id"], False)
    assert not second.is_delete_marker
    assert first.extra["version_id"] == first.version_id
    assert first.extra["last_modified"] is not None


def test_without_versioning_each_object_is_the_version_null() -> None:
    with store() as made:
        put(made, b"1")
        assert made.driver.ex_get_versioning(made.container) == "disabled"
        (version,) = listed(made)
        assert (version.version_id, version.is_latest) == ("null", True)
        assert read(version) == b"1"


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("encoded", [True, False])
def test_names_are_listed_exactly(name: str, encoded: bool) -> None:
    with store(replace(AMAZON, url_encoded_listing=encoded)) as made:
        made.driver.ex_set_versioning(made.container, True)
        put(made, b"1", b"2", name=name)
        newest, oldest = listed(made, object_name=name)
        assert (newest.name, oldest.name) == (name, name)
        assert read(oldest) == b"1"
        assert oldest.delete()
        assert read(newest) == b"2"


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_a_listing_of_many_pages_is_complete(page_size: int) -> None:
    with store(replace(AMAZON, page_size=page_size)) as made:
        made.driver.ex_set_versioning(made.container, True)
        for name in ("a", "a+ b", "b"):
            put(made, b"1", b"2", b"3", name=name)
        found = listed(made)
        assert [version.name for version in found] == 3 * ["a"] + 3 * ["a+ b"] + 3 * ["b"]
        assert [read(version) for version in found] == 3 * [b"3", b"2", b"1"]
        assert [one.version_id for one in listed(made, prefix="a+")] == [
            one.version_id for one in found[3:6]
        ]


def test_only_versions_of_the_object_are_listed_not_of_longer_names(s3: Store) -> None:
    put(s3, b"1", name="a")
    put(s3, b"2", name="aa")
    assert [version.name for version in listed(s3, object_name="a")] == ["a"]
    assert [version.name for version in listed(s3, prefix="a")] == ["a", "aa"]


@pytest.mark.parametrize("marker", ["", "<NextKeyMarker>a</NextKeyMarker>"])
def test_a_listing_that_cannot_continue_is_an_error(s3: Store, marker: str) -> None:
    entry = "<Version><Key>a</Key><VersionId>1</VersionId><Size>0</Size></Version>"
    page = f"<ListVersionsResult><IsTruncated>true</IsTruncated>{marker}"
    body = f"{page}{entry if marker else ''}</ListVersionsResult>".encode()
    s3.server.faults.add("ListObjectVersions", Page(body), times=None)
    with pytest.raises(IncompleteListingError):
        listed(s3)


def test_delete_markers_that_are_listed_after_all_versions_are_put_in_place(s3: Store) -> None:
    def of(kind: str, key: str, number: int, latest: bool) -> str:
        time = f"2026-01-0{number}T00:00:00.000Z"
        flag = str(latest).lower()
        return (
            f"<{kind}><Key>{key}</Key><VersionId>{number}</VersionId><IsLatest>{flag}</IsLatest>"
            f"<LastModified>{time}</LastModified><Size>1</Size></{kind}>"
        )

    body = (
        of("Version", "a", 1, False)
        + of("Version", "b", 1, True)
        + of("DeleteMarker", "a", 3, True)
        + of("DeleteMarker", "a", 2, False)
    )
    page = f"<ListVersionsResult>{body}</ListVersionsResult>".encode()
    s3.server.faults.add("ListObjectVersions", Page(page))
    found = [(version.name, version.version_id) for version in listed(s3)]
    assert found == [("a", "3"), ("a", "2"), ("a", "1"), ("b", "1")]


# Reads.


def test_an_object_that_was_uploaded_is_read_as_that_version(s3: Store, tmp_path: Path) -> None:
    old, _ = put(s3, b"old", b"newer")
    assert read(old) == b"old"
    assert b"".join(old.range_as_stream(1, 3)) == b"ld"
    assert old.download(str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"old"
    assert old.download_range(str(tmp_path / "part"), 0, 2)
    assert (tmp_path / "part").read_bytes() == b"ol"


def test_an_object_that_was_looked_up_is_read_as_the_newest(s3: Store) -> None:
    (old,) = put(s3, b"old")
    found = s3.container.get_object("object")
    put(s3, b"new")
    assert found.extra["latest_version_id"] == old.extra["version_id"]
    assert "version_id" not in found.extra
    assert read(found) == b"new"


def test_a_version_is_looked_up_by_its_id(s3: Store) -> None:
    old, _ = put(s3, b"old", b"newer")
    version_id = old.extra["version_id"]
    for found in (
        s3.driver.get_object(BUCKET, "object", ex_version_id=version_id),
        s3.container.get_object("object", ex_version_id=version_id),
    ):
        assert isinstance(found, ObjectVersion)
        assert (found.version_id, found.size, found.hash) == (version_id, 3, old.hash)
        assert read(found) == b"old"
        again = copy.deepcopy(found)
        assert (again.version_id, again.is_delete_marker) == (version_id, False)
        assert version_id in repr(found)


def test_a_large_version_is_downloaded_by_several_connections(s3: Store, tmp_path: Path) -> None:
    data = s3.in_parts(4)
    (version,) = listed(s3)
    s3.in_parts(2)
    s3.server.faults.use_two_connections("GetObject", after=500)
    assert version.download(str(tmp_path / "file"), ex_window=3, ex_part_size=PART)
    assert (tmp_path / "file").read_bytes() == data
    reads = s3.requests("GetObject")
    assert len(reads) > 2
    assert not s3.server.faults.pending
    assert {entry.query.get("versionId") for entry in reads} == {version.version_id}


def test_a_version_can_be_pickled() -> None:
    driver = S3StorageDriver("key", "secret")
    container = Container(BUCKET, {}, driver)
    properties: Any = ("object", 1, None, {}, {}, container, driver)
    version = ObjectVersion(*properties, version_id="x", is_latest=True, is_delete_marker=True)
    again = pickle.loads(pickle.dumps(version))
    assert (again.version_id, again.is_latest, again.is_delete_marker) == ("x", True, True)
    assert again.extra == {"version_id": "x"}


def test_a_broken_download_resumes_with_the_version(s3: Store) -> None:
    data = pattern(200_000)
    (old,) = put(s3, data)
    put(s3, b"new")
    s3.server.faults.add("GetObject", Truncate(100_000))
    assert read(old) == data
    assert len(s3.requests("GetObject")) == 2


def test_objects_are_looked_up_together_as_versions(s3: Store) -> None:
    old, _ = put(s3, b"old", b"newer")
    newest, version = listed(s3)
    found = [
        result.value for result in s3.driver.ex_head_objects([old, version, "object"], s3.container)
    ]
    assert [obj.size for obj in found] == [3, 3, 5]
    assert [isinstance(obj, ObjectVersion) for obj in found] == [False, True, False]
    found[0].delete()
    assert [one.version_id for one in listed(s3)[1:]] == [newest.version_id, version.version_id]


@pytest.mark.parametrize("version_id", ["000001/" + "0" * 32 + "+=", "null"])
def test_a_version_that_does_not_exist_is_named(s3: Store, version_id: str) -> None:
    put(s3, b"1")
    with pytest.raises(ObjectDoesNotExistError, match="version ") as error:
        s3.container.get_object("object", ex_version_id=version_id)
    assert version_id in str(error.value)
    version = ObjectVersion(
        *("object", 1, None, {}, {}, s3.container, s3.driver), version_id=version_id
    )
    for use in (read, lambda obj: s3.driver.ex_copy_object(obj, s3.container, "copy")):
        with pytest.raises(ObjectDoesNotExistError) as error:
            use(version)
        assert version_id in str(error.value)


def test_an_id_that_is_none_of_the_store_is_named(s3: Store) -> None:
    put(s3, b"1")
    with pytest.raises(LibcloudError, match="Is 'x y' an id of a version"):
        s3.container.get_object("object", ex_version_id="x y")
    version = ObjectVersion(*("object", 1, None, {}, {}, s3.container, s3.driver), version_id="x y")
    for use in (read, Object.delete):
        with pytest.raises(LibcloudError, match="Is 'x y' an id of a version"):
            use(version)


@pytest.mark.parametrize("version_id", ["", "x" * 1025, "\udcff", 3, b"x"])
def test_an_invalid_id_is_refused_before_anything_is_sent(s3: Store, version_id: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        s3.driver.get_object(BUCKET, "object", ex_version_id=version_id)
    assert not s3.server.requests


def test_a_delete_marker_has_no_data(s3: Store) -> None:
    (obj,) = put(s3, b"1")
    obj.delete()
    marker = listed(s3)[0]
    s3.server.log.clear()
    for use in (read, lambda obj: s3.driver.ex_copy_object(obj, s3.container, "copy")):
        with pytest.raises(ObjectDoesNotExistError, match="delete marker"):
            use(marker)
    assert not s3.server.requests
    for options in ({"ex_version_id": marker.version_id}, {}):
        with pytest.raises(ObjectDoesNotExistError, match="delete marker"):
            s3.container.get_object("object", **options)


def test_a_store_that_ignores_the_id_is_noticed() -> None:
    with store(replace(AMAZON, versions=False)) as made:
        put(made, b"1")
        with pytest.raises(LibcloudError, match="does not seem to support versions"):
            made.container.get_object("object", ex_version_id="x")
        version = ObjectVersion(
            *("object", 1, None, {}, {}, made.container, made.driver), version_id="x"
        )
        with pytest.raises(LibcloudError, match="does not seem to support versions"):
            read(version)


def test_a_user_who_may_not_read_versions_reads_what_was_uploaded() -> None:
    with store(replace(AMAZON, version_reads_denied=True)) as made:
        made.driver.ex_set_versioning(made.container, True)
        (obj,) = put(made, b"old")
        assert read(obj) == b"old"
        copy = made.driver.ex_copy_object(obj, made.container, "copy")
        assert read(copy) == b"old"
        (result,) = made.driver.ex_head_objects([obj])
        assert result.value.size == 3
        (version,) = listed(made, object_name="object")
        with pytest.raises(LibcloudError, match="403"):
            read(version)
        put(made, b"new")
        with pytest.raises(ObjectChangedError):
            read(obj)
        with pytest.raises(ObjectChangedError):
            made.driver.ex_copy_object(obj, made.container, "copy")
        with pytest.raises(ObjectChangedError):
            list(made.driver.ex_head_objects([obj]))


def test_an_id_of_a_store_without_versions_is_not_used() -> None:
    """R2 returns ids of versions, and has none."""
    with store() as made:
        made.driver.profile = replace(made.driver.profile, versions=False)
        (obj,) = put(made, b"data")
        obj.extra["version_id"] = "x"
        assert read(obj) == b"data"
        assert "versionId" not in obj.get_cdn_url()


def test_an_object_of_another_class_is_read_as_the_newest(s3: Store) -> None:
    put(s3, b"data")
    extras: list[Any] = [mock.MagicMock(), None, {}]
    for extra in extras:
        found: Any = mock.MagicMock(size=4, extra=extra, container=s3.container)
        found.name = "object"
        assert b"".join(s3.driver.download_object_as_stream(found)) == b"data"


@pytest.mark.parametrize("versions", [True, False])
def test_an_id_that_the_store_does_not_know_is_not_needed(versions: bool) -> None:
    with store(replace(AMAZON, versions=versions)) as made:
        (obj,) = put(made, b"data")
        obj.extra["version_id"] = "x"  # as an unknown store may have returned it
        assert read(obj) == b"data"
        assert [result.value.size for result in made.driver.ex_head_objects([obj])] == [4]
        assert read(made.driver.ex_copy_object(obj, made.container, "copy")) == b"data"
        put(made, b"newer")
        with pytest.raises(ObjectChangedError):
            read(obj)


# Copies and URLs.


@pytest.mark.parametrize("part_size", [None, PART])
def test_a_copy_is_of_the_version(s3: Store, part_size: int | None) -> None:
    data = s3.in_parts(3)
    old = listed(s3)[0]
    s3.in_parts(2)
    copy = s3.driver.ex_copy_object(old, s3.container, "copy", ex_part_size=part_size)
    assert s3.body("copy") == data
    assert copy.extra["version_id"] == listed(s3, object_name="copy")[0].version_id
    restored = s3.driver.ex_copy_object(old, s3.container, "object", ex_part_size=part_size)
    assert s3.body() == data
    assert restored.extra["version_id"] == listed(s3, object_name="object")[0].version_id


def test_a_presigned_url_is_for_the_version(s3: Store) -> None:
    old, new = put(s3, b"old", b"new")
    version = listed(s3)[1]
    for obj, expected in ((old, b"old"), (version, b"old"), (new, b"new")):
        with urlopen(obj.get_cdn_url()) as response:
            assert response.read() == expected
    plain = s3.container.get_object("object")
    assert "versionId" not in plain.get_cdn_url()


def test_a_presigned_deletion_names_only_a_version(s3: Store) -> None:
    (obj,) = put(s3, b"1")
    (version,) = listed(s3)

    def named(one: Object) -> Any:
        url = s3.driver.get_object_cdn_url(one, ex_method="DELETE")
        return parse_qs(urlsplit(url).query).get("versionId")

    assert named(obj) is None
    assert named(version) == [version.version_id]
    with pytest.raises(ValueError, match="a version cannot be written"):
        s3.driver.get_object_cdn_url(version, ex_method="PUT")
