# SPDX-License-Identifier: Apache-2.0
"""What the S3 driver is given and cannot use: an exception that says so, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.transfer.progress import UploadEvent
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    InvalidSourceError,
)
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

LONG = pattern(PART * 2 + 1)


# Credentials and containers.


@pytest.mark.parametrize("wrong", [{"key": "AKIAOTHER"}, {"secret": "another"}])
def test_wrong_credentials_are_called_so(wrong: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with store() as s3:
        given: Any = {"key": s3.server.key, "secret": s3.server.secret, **wrong}
        given.update(host=s3.server.host, port=s3.server.port, secure=False)
        driver = S3StorageDriver(**given)
        container = Container("bucket", {}, driver)
        code = "InvalidAccessKeyId" if "key" in wrong else "SignatureDoesNotMatch"
        acts: list[Callable[[], Any]] = [
            lambda: driver.upload_object_via_stream(iter([b"x"]), container, "object"),
            lambda: driver.upload_object_via_stream(
                iter([LONG]), container, "object", ex_part_size=PART
            ),
            lambda: driver.upload_object(str(path), container, "object"),
            container.list_objects,
            driver.list_containers,
        ]
        for act in acts:
            with pytest.raises(InvalidCredsError, match=f"403.*{code}") as caught:
                act()
            assert s3.server.secret not in str(caught.value)
            assert vars(caught.value)["code"] == code
        with pytest.raises(InvalidCredsError, match=r"bucket/object.*403"):
            container.get_object("object")
        s3.assert_nothing_is_left()


def test_an_unknown_container_is_called_so(s3: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    absent = Container("absent", {}, s3.driver)
    by_hand = s3.stream(iter([b"x"]))
    by_hand.container = absent
    acts: list[Callable[[], Any]] = [
        lambda: absent.upload_object_via_stream(iter([b"x"]), "object"),
        lambda: s3.driver.upload_object_via_stream(
            iter([LONG]), absent, "object", ex_part_size=PART
        ),
        lambda: absent.upload_object(str(path), "object"),
        absent.list_objects,
        lambda: list(s3.driver.ex_iterate_multipart_uploads(absent)),
        absent.delete,
        lambda: b"".join(by_hand.as_stream()),
        by_hand.delete,
    ]
    for act in acts:
        with pytest.raises(
            ContainerDoesNotExistError, match=r"absent.*404.*NoSuchBucket"
        ) as caught:
            act()
        assert caught.value.container_name == "absent"
        assert caught.value.driver is s3.driver
    with pytest.raises(ContainerDoesNotExistError, match=r"container=absent.*404"):
        s3.driver.get_container("absent")
    with pytest.raises(ContainerDoesNotExistError):
        s3.driver.get_object("absent", "object")
    s3.assert_nothing_is_left("object")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\udcff"])
def test_a_container_name_that_is_no_path_segment_is_refused_at_once(s3: Store, name: str) -> None:
    bad = Container(name, {}, s3.driver)
    acts: list[Callable[[], Any]] = [
        lambda: s3.driver.create_container(name),
        lambda: s3.driver.get_container(name),
        bad.list_objects,
        lambda: bad.upload_object_via_stream(iter([b"x"]), "object"),
        bad.delete,
    ]
    for act in acts:
        with pytest.raises(InvalidContainerNameError) as caught:
            act()
        assert caught.value.container_name == name
    assert s3.server.requests == []


@pytest.mark.parametrize("name", ["UPPER", "ab", "under_score", "a..b", "a" * 64, "white space"])
def test_a_container_name_that_the_store_refuses_is_called_invalid(s3: Store, name: str) -> None:
    with pytest.raises(InvalidContainerNameError, match=r"400.*InvalidBucketName"):
        s3.driver.create_container(name)
    assert list(s3.server.state.buckets) == ["bucket"]


# Sources.


@pytest.mark.parametrize("source", [None, 5, {"a": 1}, object(), "a text", {b"a"}])
def test_an_invalid_source_is_refused_before_anything_is_sent(s3: Store, source: Any) -> None:
    with pytest.raises(InvalidSourceError):
        s3.stream(source)
    assert s3.server.requests == []


@pytest.mark.parametrize("piece", [256, None, 1.5, ["a"], object(), (b"a", b"b")])
@pytest.mark.parametrize("before", [b"", LONG])
def test_a_piece_that_is_no_data_ends_the_upload(s3: Store, piece: Any, before: bytes) -> None:
    with pytest.raises(InvalidSourceError, match=f"{type(piece).__name__}, not bytes"):
        s3.stream(iter([before, piece, b"more"]))
    s3.assert_nothing_is_left()


def test_a_file_that_has_no_data_yet_is_refused(s3: Store) -> None:
    class NotYet:
        def read(self, size: int) -> None:
            return None

    with pytest.raises(InvalidSourceError, match="non-blocking"):
        s3.stream(NotYet())
    assert s3.server.requests == []


# Callbacks.


@pytest.mark.parametrize(
    "event", ["UploadStarted", "PartStarted", "PartDone", "Retried", "UploadCompleted"]
)
@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt()])
def test_what_a_callback_raises_comes_through_unchanged(
    amazon: Store, event: str, error: BaseException
) -> None:
    amazon.server.faults.add("UploadPart", Status(503, "SlowDown"), part=2)

    def listen(heard: UploadEvent) -> None:
        if type(heard).__name__ == event:
            raise error

    with pytest.raises(type(error)) as caught:
        amazon.stream(iter([LONG]), on_event=listen)
    assert caught.value is error
    # What was published before the callback spoke is not taken back.
    amazon.assert_nothing_is_left(*(["object"] if event == "UploadCompleted" else []))


def test_an_invalid_callback_is_a_type_error(amazon: Store) -> None:
    with pytest.raises(TypeError):
        amazon.stream(iter([LONG]), on_event="not a function")
    amazon.assert_nothing_is_left()


# Arguments.


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"k": "line\nbreak"}, "control character"),
        ({"k": "\r\nX-Injected: 1"}, "control character"),
        ({"k": "\x00"}, "control character"),
        ({"k": "\x7f"}, "control character"),
        ({"line\nbreak": "v"}, "header's name"),
        ({"a b": "v"}, "header's name"),
        ({"k:": "v"}, "header's name"),
        ({"é": "v"}, "header's name"),
        ({"": "v"}, "header's name"),
    ],
)
def test_metadata_that_no_header_can_hold_is_refused(
    amazon: Store, metadata: dict[str, str], why: str
) -> None:
    for data in (b"short", LONG):
        with pytest.raises(ValueError, match=why):
            amazon.stream(iter([data]), extra={"meta_data": metadata})
    assert amazon.server.requests == []


@pytest.mark.parametrize("header", ["x-amz-meta-k", "Cache-Control", "x-amz-acl"])
def test_a_header_with_a_line_break_is_refused(s3: Store, header: str) -> None:
    for data in (b"short", LONG):
        with pytest.raises(ValueError):
            s3.stream(iter([data]), headers={header: "a\r\nX-Injected: 1"})
    assert s3.server.requests == []


@pytest.mark.parametrize("extra", [{"acl": "a\nb"}, {"content_type": "a\nb"}])
def test_an_acl_or_a_type_with_a_line_break_is_refused(s3: Store, extra: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        s3.stream(iter([b"short"]), extra=extra)
    assert s3.server.requests == []


@pytest.mark.parametrize(
    ("extra", "code"),
    [({"acl": "nonsense"}, "InvalidArgument"), ({"meta_data": {"k": "v" * 2049}}, "MetadataTooL")],
)
def test_what_only_the_store_can_judge_is_its_error(
    s3: Store, extra: dict[str, Any], code: str
) -> None:
    for data, what in ((b"short", "uploading"), (LONG, "initiating multipart upload of")):
        with pytest.raises(LibcloudError, match=rf"{what} bucket/object.*400.*{code}"):
            s3.stream(iter([data]), extra=extra)
    s3.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"ex_part_size": 0}, ValueError),
        ({"ex_part_size": -1}, ValueError),
        ({"ex_part_size": "8M"}, TypeError),
        ({"ex_window": 0}, ValueError),
        ({"ex_max_memory": 0}, ValueError),
        ({"ex_size": -1}, ValueError),
        ({"ex_size_hint": -1}, ValueError),
        ({"ex_on_failure": "shrug"}, ValueError),
        ({"ex_checksum": "md4"}, ValueError),
        ({"ex_nonsense": 1}, TypeError),
        ({"part_size": 1}, TypeError),
        ({"ex_on_event": print}, TypeError),
    ],
)
def test_invalid_options_are_refused_before_anything_is_sent(
    amazon: Store, options: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    (name,) = options
    with pytest.raises(error, match=name if error is ValueError else None):
        amazon.driver.upload_object_via_stream(iter([b"x"]), amazon.container, "object", **options)
    with pytest.raises(error):
        amazon.driver.upload_object(str(path), amazon.container, "object", **options)
    assert amazon.server.requests == []


def test_an_option_that_is_not_given_is_none(amazon: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    options = {"ex_part_size": None, "ex_window": None, "on_event": None}
    amazon.driver.upload_object(str(path), amazon.container, "object", **options)
    assert amazon.body() == b"abc"


def test_options_of_the_engine_are_refused_where_it_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")

    class Plain(S3StorageDriver):
        supports_s3_multipart_upload = False

    with store(kind=Plain) as s3:
        with pytest.raises(ValueError, match="ex_part_size: only uploads in parts"):
            s3.stream(iter([b"x"]))
        with pytest.raises(ValueError, match="ex_window: only uploads in parts"):
            s3.driver.upload_object(str(path), s3.container, "object", ex_window=2)
        with pytest.raises(TypeError, match="ex_nonsense"):
            s3.driver.upload_object(str(path), s3.container, "object", ex_nonsense=2)
        assert s3.server.requests == []


def test_sha256_is_unsupported_with_version_2() -> None:
    with store(version="2") as s3:
        with pytest.raises(ValueError, match="Signature Version 4"):
            s3.stream(iter([b"x"]), ex_checksum="sha256")
        assert s3.server.requests == []
