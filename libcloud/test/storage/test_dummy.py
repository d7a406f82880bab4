# SPDX-License-Identifier: Apache-2.0
"""What the dummy driver has besides the contract, which the conformance suite holds it to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.dummy import DummyFileObject, DummyIterator, DummyStorageDriver
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidObjectNameError,
    InvalidSourceError,
    ObjectDoesNotExistError,
)


@pytest.fixture
def container() -> Container:
    return DummyStorageDriver("key", "secret").create_container("photos")


def test_the_driver_counts_what_it_holds(container: Container) -> None:
    driver = container.driver
    assert isinstance(driver, DummyStorageDriver)
    container.upload_object_via_stream(iter([b"abc"]), "a")
    container.upload_object_via_stream(DummyFileObject(2, 5), "b")
    container.upload_object_via_stream(iter([b"d"]), "a")

    assert driver.get_meta_data() == {"container_count": 1, "object_count": 2, "bytes_used": 11}
    assert driver.get_container("photos").extra["object_count"] == 2


def test_two_drivers_share_nothing(container: Container) -> None:
    assert DummyStorageDriver("key", "secret").list_containers() == []


def test_urls_lead_nowhere(container: Container) -> None:
    obj = container.upload_object_via_stream(iter([b"abc"]), "a cat")

    assert container.get_cdn_url() == "http://www.test.com/container/photos"
    assert obj.get_cdn_url() == "http://www.test.com/object/a_cat"


def test_metadata_and_type_are_kept_and_the_caller_s_dictionary_is_not_changed(
    container: Container,
) -> None:
    extra = {"meta_data": {"Owner": "Ann"}, "content_type": "a/b"}

    container.upload_object_via_stream(iter([b"abc"]), "cat", extra=extra)

    obj = container.get_object("cat")
    assert obj.meta_data == {"owner": "Ann"}
    assert obj.extra == {"content_type": "a/b", "meta_data": {"Owner": "Ann"}}
    assert obj.extra["meta_data"] is not extra["meta_data"]
    assert obj.hash == hashlib.md5(b"abc").hexdigest()
    assert extra == {"meta_data": {"Owner": "Ann"}, "content_type": "a/b"}


def test_a_missing_file_is_an_error_of_both_kinds(container: Container) -> None:
    with pytest.raises(LibcloudError, match="does not exist") as caught:
        container.upload_object("/no/such/file", "cat")

    assert isinstance(caught.value, FileNotFoundError)
    assert container.list_objects() == []


@pytest.mark.parametrize("name", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_a_name_that_s3_would_refuse_is_refused(container: Container, name: str) -> None:
    with pytest.raises(InvalidObjectNameError):
        container.upload_object_via_stream(iter([b"abc"]), name)


def test_a_container_needs_a_name(container: Container) -> None:
    with pytest.raises(InvalidContainerNameError):
        container.driver.create_container("")


def test_text_is_no_stream(container: Container) -> None:
    with pytest.raises(InvalidSourceError):
        container.upload_object_via_stream("text", "cat")


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 1, b"a"), (1, None, b"bc"), (1, 99, b"bc")]
)
def test_a_range_ends_at_the_end_of_the_object(
    container: Container, start: int, end: int | None, expected: bytes
) -> None:
    obj = container.upload_object_via_stream(iter([b"abc"]), "cat")

    assert b"".join(obj.range_as_stream(start, end)) == expected


def test_a_range_outside_of_the_object_is_refused(container: Container, tmp_path: Path) -> None:
    obj = container.upload_object_via_stream(iter([b"abc"]), "cat")

    with pytest.raises(ValueError, match="not within the 3 bytes"):
        obj.download_range(str(tmp_path / "x"), 3)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_continues_although_the_object_was_replaced(container: Container) -> None:
    obj = container.upload_object_via_stream(iter([b"abcdef"]), "cat")
    stream = obj.as_stream(chunk_size=2)

    first = next(stream)
    container.upload_object_via_stream(iter([b"other"]), "cat")

    assert [first, *stream] == [b"ab", b"cd", b"ef"]


def test_a_missing_object_is_an_error_everywhere(container: Container) -> None:
    obj = container.upload_object_via_stream(iter([b"abc"]), "cat")
    obj.delete()
    for use_object in (obj.delete, obj.get_cdn_url, obj.as_stream, lambda: obj.download("/x")):
        with pytest.raises(ObjectDoesNotExistError):
            use_object()

    container.delete()
    for use_container in (container.delete, container.list_objects, container.get_cdn_url):
        with pytest.raises(ContainerDoesNotExistError):
            use_container()


def test_the_dummy_file_ends() -> None:
    file = DummyFileObject(yield_count=2, chunk_len=4)

    pieces = [file.read(5), file.read(5), file.read(5)]

    assert [len(piece) for piece in pieces] == [5, 3, 0]
    assert b"".join(pieces).isalpha()
    assert len(file) == 8


def test_the_dummy_iterator_hashes_what_it_gave() -> None:
    with DummyIterator([b"a", "b", b"c"]) as iterator:
        assert [next(iterator), iterator.next()] == [b"a", "b"]

    assert iterator.get_md5_hash() == hashlib.md5(b"ab").hexdigest()
    assert next(iterator) == b"c"
    with pytest.raises(StopIteration):
        next(iterator)
    assert DummyIterator().get_md5_hash() == hashlib.md5().hexdigest()
