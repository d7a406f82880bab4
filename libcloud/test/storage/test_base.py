# SPDX-License-Identifier: Apache-2.0
"""What every driver inherits: the contract's shape, delegation, and the small helpers."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.types import ObjectDoesNotExistError

DATA = bytes(range(256)) * 5


@pytest.fixture
def driver() -> StorageDriver:
    return StorageDriver("user", "s3cret-key", host="localhost")


def test_streams_are_hashed_from_their_start(driver: StorageDriver) -> None:
    stream = io.BytesIO(DATA)
    stream.seek(9)

    expected = hashlib.md5(DATA).hexdigest(), len(DATA)
    assert driver._hash_buffered_stream(stream, hashlib.md5()) == expected
    assert driver._hash_buffered_stream(iter([DATA[:9], DATA[9:]]), hashlib.md5()) == expected
    assert driver._hash_buffered_stream([DATA, ""], hashlib.md5()) == expected


def test_a_text_stream_without_an_iterator_is_hashed_to_its_end(driver: StorageDriver) -> None:
    stream = Mock(spec=["read"], read=Mock(side_effect=["text", ""]))

    assert driver._hash_buffered_stream(stream, hashlib.md5()) == (
        hashlib.md5(b"text").hexdigest(),
        4,
    )


def test_an_unknown_hash_is_an_error(driver: StorageDriver) -> None:
    driver.hash_type = "no-such-hash"

    with pytest.raises(RuntimeError, match="no-such-hash"):
        driver._get_hash_function()


def _response(status: int) -> Mock:
    return Mock(status=status)


@pytest.mark.parametrize(
    ("status", "expected", "ok"),
    [(200, None, True), (206, None, False), (206, 206, True), (206, [200, 206], True)],
)
def test_the_callback_is_called_for_a_success_only(
    driver: StorageDriver, status: int, expected: Any, ok: bool
) -> None:
    obj = Object("n", 1, None, None, None, Container("c", None, driver), driver)
    callback = Mock(return_value="saved")

    if ok:
        assert driver._get_object(obj, callback, {"a": 1}, _response(status), expected) == "saved"
        callback.assert_called_once_with(a=1)
    else:
        with pytest.raises(LibcloudError, match=f"Unexpected status code: {status}"):
            driver._get_object(obj, callback, {"a": 1}, _response(status), expected)
        callback.assert_not_called()


def test_status_404_means_there_is_no_object(driver: StorageDriver) -> None:
    obj = Object("n", 1, None, None, None, Container("c", None, driver), driver)

    with pytest.raises(ObjectDoesNotExistError) as caught:
        driver._get_object(obj, Mock(), {}, _response(404))

    assert caught.value.object_name == "n"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (-1, None, "start_bytes must be greater than 0"),
        (5, 4, "start_bytes must be smaller than end_bytes"),
        (5, 5, "start_bytes and end_bytes can't be the same"),
    ],
)
def test_an_invalid_range_is_refused(
    driver: StorageDriver, start: int, end: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        driver._validate_start_and_end_bytes(start, end)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0,), "bytes=0-"),
        ((0, 5), "bytes=0-4"),
        ((10, 11), "bytes=10-10"),
        ((10, 11, True), "bytes=10-11"),
    ],
)
def test_the_range_header_ends_with_the_last_byte(
    driver: StorageDriver, arguments: tuple[Any, ...], expected: str
) -> None:
    assert driver._validate_start_and_end_bytes(*arguments[:2])
    assert driver._get_standard_range_str(*arguments) == expected


def test_the_old_name_of_prefix_wins_with_a_warning(driver: StorageDriver) -> None:
    with pytest.warns(DeprecationWarning, match="ex_prefix"):
        assert driver._normalize_prefix_argument("new", "old") == "old"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert driver._normalize_prefix_argument("new", None) == "new"


def test_listed_objects_are_filtered_here_with_a_warning(driver: StorageDriver) -> None:
    container = Container("c", None, driver)
    objects = [Object(name, 1, None, None, None, container, driver) for name in ("ab", "b")]

    with pytest.warns(UserWarning, match="StorageDriver"):
        assert list(driver._filter_listed_container_objects(objects, "a")) == objects[:1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(driver._filter_listed_container_objects(objects, None)) == objects


# The contract


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("iterate_containers", 0),
        ("list_containers", 0),
        ("get_container", 1),
        ("create_container", 1),
        ("delete_container", 1),
        ("get_container_cdn_url", 1),
        ("enable_container_cdn", 1),
        ("iterate_container_objects", 1),
        ("list_container_objects", 1),
        ("get_object", 2),
        ("delete_object", 1),
        ("get_object_cdn_url", 1),
        ("enable_object_cdn", 1),
        ("download_object", 2),
        ("download_object_as_stream", 1),
        ("download_object_range", 3),
        ("download_object_range_as_stream", 2),
        ("upload_object", 3),
        ("upload_object_via_stream", 3),
    ],
)
def test_an_unimplemented_method_raises_at_once(
    driver: StorageDriver, method: str, arguments: int
) -> None:
    with pytest.raises(NotImplementedError, match="not implemented for this driver"):
        getattr(driver, method)(*["x"] * arguments)


def test_containers_and_objects_delegate_to_their_driver() -> None:
    driver = Mock()
    container = Container("c", {}, driver)
    obj = Object("o", 1, "h", {}, {}, container, driver)

    container.get_object("o")
    driver.get_object.assert_called_once_with(container_name="c", object_name="o")
    container.list_objects("p")
    driver.list_container_objects.assert_called_once_with(
        container=container, prefix="p", ex_prefix=None
    )
    container.upload_object("f", "o", {"a": 1}, False, {"h": "v"}, ex_storage_class="glacier")
    driver.upload_object.assert_called_once_with(
        "f",
        container,
        "o",
        extra={"a": 1},
        verify_hash=False,
        headers={"h": "v"},
        ex_storage_class="glacier",
    )
    container.upload_object_via_stream("i", "o", ex_part_size=5)
    driver.upload_object_via_stream.assert_called_once_with(
        "i", container, "o", extra=None, headers=None, ex_part_size=5
    )
    obj.download("d", True, False)
    driver.download_object.assert_called_once_with(
        obj=obj, destination_path="d", overwrite_existing=True, delete_on_failure=False
    )
    obj.download_range("d", 1, 2, True, False)
    driver.download_object_range.assert_called_once_with(
        obj=obj,
        destination_path="d",
        start_bytes=1,
        end_bytes=2,
        overwrite_existing=True,
        delete_on_failure=False,
    )
    obj.as_stream(5)
    driver.download_object_as_stream.assert_called_once_with(obj=obj, chunk_size=5)
    obj.delete()
    driver.delete_object.assert_called_once_with(obj)


def test_nothing_shown_of_a_driver_holds_its_secret(driver: StorageDriver) -> None:
    container = Container("c", None, driver)
    obj = Object("n", 1, None, None, None, container, driver)
    error = ObjectDoesNotExistError("value", driver, "n")

    shown = " ".join(map(repr, (driver, container, obj, error))) + str(error)

    assert "s3cret-key" not in shown
    assert "<Object: name=n, size=1, hash=None, provider=None ...>" in shown
    assert "<Container: name=c, provider=None>" in shown


def test_missing_details_are_empty_dictionaries(driver: StorageDriver) -> None:
    container = Container("c", None, driver)
    obj = Object("n", 1, None, None, None, container, driver)

    assert (container.extra, obj.extra, obj.meta_data) == ({}, {}, {})


def test_capabilities_follow_the_class_attributes() -> None:
    class Driver(StorageDriver):
        supports_s3_multipart_upload = True
        supports_chunked_encoding = True

    capabilities = Driver("user", "key", host="localhost").capabilities

    assert (capabilities.multipart, capabilities.chunked_encoding) == (True, True)


class _RangesOfTheWhole:
    def download_object_range(
        self, obj: Any, destination_path: Any, start_bytes: int, end_bytes: Any = None, *how: Any
    ) -> bool:
        saved: bool = self.download_object(obj, destination_path, *how)  # type: ignore[attr-defined]
        data = Path(destination_path).read_bytes()
        Path(destination_path).write_bytes(data[start_bytes:end_bytes])
        return saved

    def download_object_range_as_stream(
        self, obj: Any, start_bytes: int, end_bytes: Any = None, chunk_size: Any = None
    ) -> Iterator[bytes]:
        whole = self.download_object_as_stream(obj, chunk_size)  # type: ignore[attr-defined]
        return iter([b"".join(whole)[start_bytes:end_bytes]])


class _LocalRanges(_RangesOfTheWhole, LocalStorageDriver):
    pass


class _DummyRanges(_RangesOfTheWhole, DummyStorageDriver):
    pass


@pytest.mark.parametrize("kind", [_LocalRanges, _DummyRanges])
def test_subclasses_may_cut_ranges_from_the_whole_object(kind: Any, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    driver = kind(str(tmp_path / "store"), "secret")
    obj = driver.create_container("c").upload_object_via_stream(iter([b"abcdef"]), "a")

    assert driver.download_object_range(obj, tmp_path / "to", 1, 3)
    assert (tmp_path / "to").read_bytes() == b"bc"
    assert b"".join(driver.download_object_range_as_stream(obj, 1, 3)) == b"bc"
