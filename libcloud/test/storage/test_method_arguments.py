# SPDX-License-Identifier: Apache-2.0
"""Arguments of methods: each driver says what to pass, before anything is sent or written."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from libcloud.storage.base import Container, Object, check_container
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.types import InvalidSourceError
from libcloud.test._loopback import Loopback
from libcloud.test.storage.s3_servers import store

DRIVER: Any = None  # nobody asks it


class Place:
    """A driver, its container, an object, and whether anything happened since."""

    def __init__(self, driver: Any, container: Container, happened: Callable[[], object]) -> None:
        self.driver = driver
        self.container = container
        self.object = Object("object", 5, None, {}, {}, container, driver)
        self.happened = happened

    def upload(self, **changed: Any) -> Any:
        given = {"iterator": iter([b"x"]), "container": self.container, "object_name": "new"}
        return self.driver.upload_object_via_stream(**{**given, **changed})

    def upload_file(self, **changed: Any) -> Any:
        given = {"file_path": __file__, "container": self.container, "object_name": "new"}
        return self.driver.upload_object(**{**given, **changed})

    def write(self, **changed: Any) -> Any:
        given = {"container": self.container, "object_name": "new"}
        with self.driver.ex_open_writer(**{**given, **changed}) as writer:
            writer.write(b"x")


@pytest.fixture(params=["s3", "google", "local", "dummy"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "s3":
        with store() as s3:
            yield Place(s3.driver, s3.container, lambda: s3.server.requests)
    elif request.param == "google":
        with Loopback() as server:
            where: Any = {"host": "127.0.0.1", "port": server.port, "secure": False}
            google = GoogleStorageDriver("GOOG0123456789ABCXYZ", "secret", **where)
            yield Place(google, Container("bucket", {}, google), lambda: server.requests)
    elif request.param == "local":
        driver = LocalStorageDriver(str(tmp_path))
        container = driver.create_container("bucket")
        yield Place(driver, container, lambda: os.listdir(tmp_path / "bucket"))
    else:
        dummy = DummyStorageDriver("key", "secret")
        container = dummy.create_container("bucket")
        yield Place(dummy, container, container.list_objects)


def refuses(
    place: Place, error: type[Exception], match: str, *attempts: Callable[[], object]
) -> None:
    for attempt in attempts:
        with pytest.raises(error, match=match):
            attempt()
    assert not place.happened()


WRONG_NAMES = [None, b"name", 5, True, Path("name")]


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_name_is_text(place: Place, name: Any) -> None:
    driver, bad = place.driver, Container(name, {}, place.driver)
    refuses(
        place,
        TypeError,
        "(object|container)_name must be a str, not",
        lambda: place.upload(object_name=name),
        lambda: place.upload_file(object_name=name),
        lambda: place.write(object_name=name),
        lambda: driver.get_object("bucket", name),
        lambda: driver.get_object(name, "object"),
        lambda: place.container.get_object(name),
        lambda: driver.get_container(name),
        lambda: driver.create_container(name),
        lambda: place.upload(container=bad),
        lambda: bad.list_objects(),
        lambda: Object(name, 5, None, {}, {}, place.container, driver).delete(),
    )


@pytest.mark.parametrize("container", ["bucket", b"bucket", None, 5, Path("bucket")])
def test_a_container_is_no_name(place: Place, container: Any) -> None:
    driver = place.driver
    refuses(
        place,
        TypeError,
        r"container must be a Container, not .*driver.get_container\(name\)",
        lambda: place.upload(container=container),
        lambda: place.upload_file(container=container),
        lambda: place.write(container=container),
        lambda: list(driver.iterate_container_objects(container)),
        lambda: driver.list_container_objects(container),
        lambda: driver.delete_container(container),
    )


def test_a_mock_with_a_name_is_a_container(place: Place) -> None:
    container = MagicMock()  # of any class: it has __fspath__, too
    container.name = "bucket"

    check_container(container)


@pytest.mark.parametrize("kind", ["local", "dummy"])
def test_drivers_that_send_nothing_take_values_of_any_type(kind: str, tmp_path: Path) -> None:
    drivers = {"local": LocalStorageDriver(str(tmp_path)), "dummy": DummyStorageDriver("k", "s")}
    container = drivers[kind].create_container("bucket")
    extra: Any = {"meta_data": {"width": 5, "thumbnail": {"path": "t"}, "seen": [1]}}
    headers: Any = {"X-Count": [5]}

    container.upload_object_via_stream(iter([b"x"]), "a", extra=extra, headers=headers)
    container.upload_object(__file__, "b", extra=extra, headers=headers)

    assert [obj.name for obj in container.list_objects()] == ["a", "b"]


class _Iterable:
    """Like a response of ``requests``: neither ``read`` nor ``__next__``."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)


@pytest.mark.parametrize("kind", ["local", "dummy"])
@pytest.mark.parametrize("collection", [list, tuple, deque, _Iterable])
def test_drivers_that_send_nothing_take_iterables(
    kind: str, collection: Any, tmp_path: Path
) -> None:
    drivers = {"local": LocalStorageDriver(str(tmp_path)), "dummy": DummyStorageDriver("k", "s")}
    container = drivers[kind].create_container("bucket")

    obj = container.upload_object_via_stream(collection([b"ab", b"c"]), "a")

    assert b"".join(obj.as_stream()) == b"abc"


@pytest.mark.parametrize("size", [None, "5"])
def test_an_object_made_by_hand_may_have_no_size_or_one_that_is_text(
    size: Any, tmp_path: Path
) -> None:
    with store() as s3:
        s3.container.upload_object_via_stream(iter([b"abcde"]), "a")
        obj = Object("a", size, None, {}, {}, s3.container, s3.driver)

        assert b"".join(obj.as_stream()) == b"abcde"
        assert b"".join(obj.range_as_stream(1, 3)) == b"bc"
        assert obj.download(str(tmp_path / "a"))


def test_an_object_is_no_container(place: Place) -> None:
    refuses(
        place,
        TypeError,
        "container must be a Container, not Object",
        lambda: place.upload(container=place.object),
    )


@pytest.mark.parametrize("obj", ["object", None, 5, Container("bucket", {}, DRIVER)])
def test_an_object_is_no_name(place: Place, obj: Any, tmp_path: Path) -> None:
    driver, path = place.driver, str(tmp_path / "copy")
    refuses(
        place,
        TypeError,
        "obj must be an Object, not",
        lambda: driver.delete_object(obj),
        lambda: driver.download_object(obj, path),
        lambda: list(driver.download_object_as_stream(obj)),
        lambda: driver.download_object_range(obj, path, 0, 1),
        lambda: list(driver.download_object_range_as_stream(obj, 0, 1)),
    )


@pytest.mark.parametrize("path", [None, 5, io.BytesIO(), io.StringIO()])
def test_a_file_is_named_by_its_path(place: Place, path: Any) -> None:
    refuses(
        place,
        TypeError,
        "(file|destination)_path must be (a str or a path|the path of a file), not",
        lambda: place.upload_file(file_path=path),
        lambda: place.driver.download_object(place.object, path),
        lambda: place.driver.download_object_range(place.object, path, 0, 1),
    )


def test_the_error_for_an_open_file_as_a_path_names_the_right_method(place: Place) -> None:
    with open(__file__, "rb") as file:
        refuses(
            place,
            TypeError,
            "use upload_object_via_stream for an open file",
            lambda: place.upload_file(file_path=file),
        )


@pytest.mark.parametrize("source", [__file__, Path(__file__)])
def test_the_error_for_a_path_as_a_stream_names_the_right_method(place: Place, source: Any) -> None:
    refuses(
        place,
        InvalidSourceError,
        "to send a file by its name, use upload_object|To send a file by its name, use",
        lambda: place.upload(iterator=source),
    )


@pytest.mark.parametrize(
    ("extra", "meant"),
    [
        ({"metadata": {"k": "v"}}, "meta_data"),
        ({"Metadata": {"k": "v"}}, "meta_data"),
        ({"meta": {"k": "v"}}, "meta_data"),
        ({"contenttype": "text/plain"}, "content_type"),
        ({"Content-Type": "text/plain"}, "content_type"),
        ({"mime_type": "text/plain"}, "content_type"),
        ({"ACL": "private"}, "acl"),
    ],
)
def test_a_misspelled_key_of_extra_is_an_error(
    place: Place, extra: dict[str, Any], meant: str
) -> None:
    refuses(
        place,
        ValueError,
        f"did you mean '{meant}'",
        lambda: place.upload(extra=extra),
        lambda: place.upload_file(extra=extra),
        lambda: place.write(extra=extra),
    )


@pytest.mark.parametrize(
    "extra",
    [
        "text/plain",
        [("content_type", "text/plain")],
        {"meta_data": [("k", "v")]},
        {"meta_data": "k=v"},
    ],
)
def test_extra_is_a_dict(place: Place, extra: Any) -> None:
    refuses(
        place,
        TypeError,
        "extra.* must be a dict",
        lambda: place.upload(extra=extra),
        lambda: place.upload_file(extra=extra),
        lambda: place.write(extra=extra),
    )


@pytest.mark.parametrize("place", ["s3", "google"], indirect=True)
@pytest.mark.parametrize(
    "extra",
    [
        {"meta_data": {"k": ["v"]}},
        {"meta_data": {"k": {"a": "v"}}},
        {"content_type": ["text/plain"]},
        {"acl": {"a": "b"}},
    ],
)
def test_values_of_extra_that_are_sent_are_texts(place: Place, extra: Any) -> None:
    refuses(
        place,
        TypeError,
        "extra.* must be a str",
        lambda: place.upload(extra=extra),
        lambda: place.upload_file(extra=extra),
        lambda: place.write(extra=extra),
    )


@pytest.mark.parametrize("place", ["s3", "google"], indirect=True)
@pytest.mark.parametrize("headers", [{"a": ["b"]}, {"a": {"b": "c"}}, {5: ""}])
def test_headers_that_are_sent_are_texts(place: Place, headers: Any) -> None:
    refuses(
        place,
        TypeError,
        "header.* must be a str",
        lambda: place.upload(headers=headers),
        lambda: place.upload_file(headers=headers),
        lambda: place.write(headers=headers),
    )


@pytest.mark.parametrize("headers", ["a: b", [("a", "b")]])
def test_headers_are_a_dict(place: Place, headers: Any) -> None:
    refuses(
        place,
        TypeError,
        "headers must be a dict",
        lambda: place.upload(headers=headers),
        lambda: place.upload_file(headers=headers),
        lambda: place.write(headers=headers),
    )


@pytest.mark.parametrize(
    ("size", "error"),
    [("16", TypeError), (True, TypeError), (1.5, TypeError), (-1, ValueError)],
)
def test_sizes_and_positions_are_whole_numbers(
    place: Place, size: Any, error: type[Exception], tmp_path: Path
) -> None:
    driver, obj, path = place.driver, place.object, str(tmp_path / "copy")
    refuses(
        place,
        error,
        "(chunk_size|start_bytes)",
        lambda: list(driver.download_object_as_stream(obj, chunk_size=size)),
        lambda: list(driver.download_object_range_as_stream(obj, 0, chunk_size=size)),
        lambda: list(driver.download_object_range_as_stream(obj, size)),
        lambda: driver.download_object_range(obj, path, size),
    )


@pytest.mark.parametrize("prefix", [b"p", 5, Path("p")])
def test_a_prefix_is_text(place: Place, prefix: Any) -> None:
    refuses(
        place,
        TypeError,
        "prefix must be a str",
        lambda: place.container.list_objects(prefix=prefix),
    )


def test_an_unknown_keyword_of_an_upload_is_an_error(place: Place) -> None:
    unknown: dict[str, Any] = {"part_size": 1}
    refuses(
        place,
        TypeError,
        "unexpected keyword argument 'part_size'",
        lambda: place.upload(**unknown),
        lambda: place.upload_file(**unknown),
        lambda: place.container.upload_object(__file__, "new", **unknown),
        lambda: place.container.download_object(place.object, "copy", **unknown),
        lambda: place.container.download_object_range(place.object, "copy", 0, 1, **unknown),
    )


def test_what_apache_libcloud_ignores_in_extra_is_ignored() -> None:
    extra = {"owner": "me", "last_modified": "today", "content_length": 5, "acl": None}
    with store() as s3:
        s3.stream(iter([b"x"]), extra=extra)
        s3.assert_nothing_is_left("object")


# What only S3 has.


@pytest.mark.parametrize("name", ["ex_part_size", "ex_window", "ex_max_memory", "ex_size"])
@pytest.mark.parametrize(
    ("value", "error"),
    [("16MiB", TypeError), (True, TypeError), (8.0, TypeError), (-1, ValueError)],
)
def test_numbers_of_uploads_are_whole(name: str, value: Any, error: type[Exception]) -> None:
    with store() as s3:
        s3.in_parts(1)
        before = len(s3.server.requests)
        place = Place(s3.driver, s3.container, lambda: s3.server.requests[before:])
        found = s3.driver.get_object("bucket", "object")
        before = len(s3.server.requests)
        calls = [
            lambda: place.upload(**{name: value}),
            lambda: place.upload_file(**{name: value}),
            lambda: place.write(**{name: value}),
            lambda: s3.driver.ex_resume_upload(
                iter([b""]), s3.container, "object", "id", **{name: value}
            ),
        ]
        if name in ("ex_part_size", "ex_window"):
            calls.append(
                lambda: s3.driver.ex_copy_object(found, s3.container, "b", **{name: value})
            )
            calls.append(lambda: found.download("copy", **{name: value}))
        refuses(place, error, name, *calls)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ex_request_payer", "no"),
        ("ex_sse_bucket_key", "false"),
        ("ex_object_lock_hold", "OFF"),
        ("ex_tags", "a=b"),
        ("ex_tags", {"a": 5}),
        ("ex_acl", True),
        ("ex_sse", b"AES256"),
        ("ex_object_lock_until", "2030-01-01"),
        ("ex_expected_bucket_owner", 123456789012),
        ("ex_executor", 4),
        ("on_event", "print"),
    ],
)
def test_other_options_of_uploads_have_their_types(option: str, value: Any) -> None:
    with store() as s3:
        place = Place(s3.driver, s3.container, lambda: s3.server.requests)
        refuses(
            place,
            TypeError,
            option,
            lambda: place.upload(**{option: value}),
            lambda: place.upload_file(**{option: value}),
            lambda: place.write(**{option: value}),
        )


@pytest.mark.parametrize("wrong", ["object", None, 5])
def test_an_object_or_an_upload_of_s3_is_no_name(wrong: Any) -> None:
    with store() as s3:
        driver: Any = s3.driver
        refuses(
            Place(driver, s3.container, lambda: s3.server.requests),
            TypeError,
            "must be an? (Object|S3MultipartUpload), not",
            lambda: driver.ex_copy_object(wrong, s3.container, "copy"),
            lambda: driver.get_object_cdn_url(wrong),
            lambda: list(driver.ex_list_parts(s3.container, wrong)),
        )


def test_errors_of_other_methods_of_s3_name_the_argument() -> None:
    with store() as s3:
        driver: Any = s3.driver
        place = Place(driver, s3.container, lambda: s3.server.requests)
        refuses(
            place,
            TypeError,
            "must be a",
            lambda: driver.ex_delete_objects([place.object, 5]),
            lambda: driver.ex_delete_objects(["a"], "bucket"),
            lambda: driver.ex_delete_objects([Path("a")], s3.container),
            lambda: driver.ex_copy_object(place.object, "bucket", "copy"),
            lambda: driver.ex_copy_object(place.object, s3.container, None),
            lambda: driver.ex_copy_object(place.object, s3.container, "c", metadata="k=v"),
            lambda: driver.ex_copy_object(place.object, s3.container, "c", headers=["a"]),
            lambda: driver.ex_cleanup_multipart_uploads("bucket"),
            lambda: driver.ex_cleanup_multipart_uploads(s3.container, older_than=7),
            lambda: driver.ex_cleanup_all_multipart_uploads("bucket"),
            lambda: list(driver.ex_iterate_multipart_uploads("bucket")),
            lambda: driver.ex_resume_upload(iter([b""]), s3.container, "object", None),
            lambda: driver.get_object_cdn_url(place.object, ex_expiry="24"),
            lambda: driver.get_object_cdn_url(place.object, ex_expiry=True),
            lambda: driver.get_object_cdn_url(place.object, ex_method=None),
        )


def test_numbers_and_bytes_in_metadata_and_headers_are_sent_as_text() -> None:
    with store() as s3:
        meta_data: Any = {"int": 5, "float": 1.5, "bytes": b"b", "none": None}
        for name in ("first", "object"):  # on a new connection, and on an open one
            s3.driver.upload_object_via_stream(
                iter([b"x"]),
                s3.container,
                name,
                extra={"meta_data": meta_data},
                headers={"Cache-Control": None, "x-amz-meta-header": 7},
            )
        found = s3.driver.get_object("bucket", "object").meta_data
        assert found == {"int": "5", "float": "1.5", "bytes": "b", "header": "7"}


def test_a_container_hands_keywords_of_a_download_to_the_driver(tmp_path: Path) -> None:
    with store() as s3:
        s3.in_parts(1)
        found = s3.driver.get_object("bucket", "object")
        seen: list[int] = []
        path = str(tmp_path / "copy")
        assert s3.container.download_object(found, path, on_bytes=seen.append)
        assert sum(seen) == found.size
        with pytest.raises(ValueError, match="ex_sse_customer_key"):
            s3.container.download_object_range(
                found, path, 0, 1, overwrite_existing=True, ex_sse_customer_key=b"short"
            )
