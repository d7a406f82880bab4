# SPDX-License-Identifier: Apache-2.0
"""Subclasses override methods of Apache Libcloud's S3 driver; the public methods must call them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.credentials import Credentials
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, StorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.s3 import (
    BaseS3StorageDriver,
    S3SignatureV4Connection,
    S3StorageDriver,
)
from libcloud.storage.transfer.upload import plan
from libcloud.storage.types import PreconditionFailedError, UploadOutcomeUnknownError
from libcloud.test.storage.fakes.faults import LoseAnswer, Status
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, store, with_small_parts

Use = Callable[[Store, Path], object]


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    with store() as found:
        found.stream(iter([b"content"]), "present")
        yield found


def store_of(server: Store, kind: type[BaseS3StorageDriver]) -> Store:
    """The server, and a driver of the class ``kind`` for it."""
    found = server.server
    made: Any = with_small_parts(kind)
    driver = made(found.key, found.secret, secure=False, host=found.host, port=found.port)
    return Store(found, driver, Container(BUCKET, {}, driver))


def get(one: Store, path: Path) -> object:
    return one.driver.get_object(BUCKET, "present")


def list_all(one: Store, path: Path) -> object:
    return [*one.driver.list_containers(), *one.container.list_objects()]


def create_and_delete(one: Store, path: Path) -> object:
    return one.driver.create_container("other").delete()


def upload_file(one: Store, path: Path) -> object:
    path.write_bytes(b"from a file")
    return one.driver.upload_object(str(path), one.container, "file")


def upload_stream(one: Store, path: Path) -> object:
    return one.stream(iter([b"x"]), "stream")


def upload_plain_stream(one: Store, path: Path) -> object:
    return one.driver.upload_object_via_stream(iter([b"x", b"yz"]), one.container, "stream")


def write(one: Store, path: Path) -> object:
    with one.driver.ex_open_writer(one.container, "written") as file:
        return file.write(b"content")


def upload_parts(one: Store, path: Path) -> object:
    return one.in_parts(2, "parts")


def fail(one: Store, path: Path) -> object:
    with pytest.raises(LookupError):
        one.stream(one.failing(LookupError(), bytes(2 * PART + 1)), "failed")
    return None


def clean_up(one: Store, path: Path) -> object:
    one.driver._initiate_multipart(one.container, "abandoned")
    return one.driver.ex_cleanup_all_multipart_uploads(one.container)


def clean_up_old(one: Store, path: Path) -> object:
    one.driver._initiate_multipart(one.container, "abandoned")
    return one.driver.ex_cleanup_multipart_uploads(one.container)


def download(one: Store, path: Path) -> object:
    return one.container.get_object("present").download(str(path), overwrite_existing=True)


def download_range(one: Store, path: Path) -> object:
    obj = one.container.get_object("present")
    return obj.download_range(str(path), 1, 3, overwrite_existing=True)


def read(one: Store, path: Path) -> object:
    return b"".join(one.container.get_object("present").as_stream())


def read_range(one: Store, path: Path) -> object:
    return b"".join(one.container.get_object("present").range_as_stream(1, 3))


def copy(one: Store, path: Path) -> object:
    return one.driver.ex_copy_object(one.container.get_object("present"), one.container, "copy")


def delete(one: Store, path: Path) -> object:
    upload_stream(one, path)
    return one.container.get_object("stream").delete()


# Each hook, and the public methods that must call it.
HOOKS: list[tuple[str, list[Use]]] = [
    ("_to_containers", [list_all]),
    ("_to_container", [list_all]),
    ("_to_objs", [list_all]),
    ("_to_obj", [list_all]),
    ("_normalize_prefix_argument", [list_all]),
    ("_get_container_path", [list_all, get, create_and_delete, clean_up]),
    ("_get_object_path", [get, upload_file, upload_parts, copy, delete, read, download]),
    ("_clean_object_name", [get, upload_stream, read, copy]),
    ("_headers_to_object", [get]),
    ("_get_content_length_from_headers", [get, copy]),
    ("_put_object", [upload_file, upload_stream, upload_parts]),
    ("_upload_object", [upload_file]),
    ("_upload_multipart", [upload_stream, upload_parts]),
    ("_determine_content_type", [upload_file, upload_stream]),
    ("_to_storage_class_headers", [upload_file, upload_stream, upload_parts]),
    ("_put_object_multipart", [upload_plain_stream]),
    ("_upload_multipart_chunks", [upload_plain_stream, write]),
    ("_initiate_multipart", [upload_parts]),
    ("_commit_multipart", [upload_parts]),
    ("_abort_multipart", [fail, clean_up, clean_up_old]),
    ("_get_object", [download, download_range, read, read_range]),
    ("_save_object", [download, download_range]),
    ("_validate_start_and_end_bytes", [download_range, read_range]),
    ("_get_standard_range_str", [download_range, read_range]),
    ("iterate_containers", [list_all]),
    ("iterate_container_objects", [list_all]),
    ("get_container", [get]),
    ("ex_iterate_multipart_uploads", [clean_up, clean_up_old]),
]
CASES = [
    pytest.param(hook, use, id=f"{hook}-{use.__name__}") for hook, uses in HOOKS for use in uses
]


def recording(hook: str, calls: list[str]) -> type[BaseS3StorageDriver]:
    """A subclass that overrides ``hook`` by one that notes the call and calls it."""

    def override(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(hook)
        return getattr(super(kind, self), hook)(*args, **kwargs)

    kind: Any = type("Own", (S3StorageDriver,), {hook: override})
    return kind  # type: ignore[no-any-return]


@pytest.mark.parametrize(("hook", "use"), CASES)
def test_a_public_method_calls_the_hook_of_a_subclass(
    server: Store, tmp_path: Path, hook: str, use: Use
) -> None:
    calls: list[str] = []
    use(store_of(server, recording(hook, calls)), tmp_path / "file")
    assert calls


@pytest.mark.parametrize("hook", ["_to_obj", "_to_objs", "_save_object", "_get_object"])
def test_a_hook_of_an_instance_is_called(server: Store, tmp_path: Path, hook: str) -> None:
    one = store_of(server, S3StorageDriver)
    calls: list[str] = []
    hooked = getattr(one.driver, hook)

    def override(*args: Any, **kwargs: Any) -> Any:
        calls.append(hook)
        return hooked(*args, **kwargs)

    setattr(one.driver, hook, override)
    list_all(one, tmp_path / "file")
    download(one, tmp_path / "file")
    assert calls


@pytest.mark.parametrize(
    "use", [list_all, create_and_delete, upload_file, upload_parts, download, read_range, copy]
)
def test_every_request_is_made_by_the_connection_class(
    server: Store, tmp_path: Path, use: Use
) -> None:
    requests: list[str] = []

    class Connection(S3SignatureV4Connection):
        def request(self, action: str, *args: Any, **kwargs: Any) -> Any:
            requests.append(action)
            return super().request(action, *args, **kwargs)

    kind = type("Own", (S3StorageDriver,), {"connectionCls": Connection})
    before = len(server.server.requests)
    use(store_of(server, kind), tmp_path / "file")
    assert len(requests) == len(server.server.requests) - before > 0


def test_requests_have_the_credentials_of_the_connection_class(server: Store) -> None:
    own = Credentials("AKIAOWN", "own-secret", token="own-token")
    sent: list[str] = []

    class Connection(S3SignatureV4Connection):
        def current_credentials(self) -> Credentials:
            return own

        def pre_connect_hook(self, params: Any, headers: Any) -> tuple[Any, Any]:
            params, headers = super().pre_connect_hook(params, headers)
            sent.extend(str(value) for value in headers.values())
            return params, headers

    one = store_of(server, type("Own", (S3StorageDriver,), {"connectionCls": Connection}))
    with pytest.raises(LibcloudError):  # the store does not know them
        one.stream(iter([b"x"]), "signed")
    assert "own-token" in sent
    assert any("Credential=AKIAOWN/" in value for value in sent)


def test_the_size_of_pages_of_a_class_is_requested(server: Store) -> None:
    one = store_of(server, type("Own", (S3StorageDriver,), {"RESPONSES_PER_REQUEST": 1}))
    for name in ("a", "b"):
        one.driver._initiate_multipart(one.container, name)
    before = len(server.server.requests)
    assert len(list(one.driver.ex_iterate_multipart_uploads(one.container))) == 2
    assert len(server.server.requests) - before == 2
    one.driver.ex_cleanup_all_multipart_uploads(one.container)


class OwnChunks(S3StorageDriver):
    """Uploads each piece of a stream as a part, and fails at the piece ``b"!"``."""

    def _upload_multipart_chunks(
        self, container: Any, object_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        upload_id, stream = args
        chunks = []
        for number, piece in enumerate(stream, start=1):
            if piece == b"!":
                raise LookupError
            response = self.connection.request(
                self._get_object_path(container, object_name),
                params={"partNumber": str(number), "uploadId": upload_id},
                data=piece,
                method="PUT",
            )
            chunks.append((number, response.headers["etag"]))
        return chunks, None, 6


def test_an_object_is_made_of_the_chunks_of_a_subclass(server: Store) -> None:
    one = store_of(server, OwnChunks)
    extra = {"meta_data": {"key": "value"}}
    obj = one.driver.upload_object_via_stream(iter([b"abc", b"def"]), one.container, "o", extra)
    assert (obj.size, one.body("o")) == (6, b"abcdef")
    assert one.container.get_object("o").meta_data == {"key": "value"}


def test_an_upload_of_chunks_that_fails_is_aborted(server: Store) -> None:
    one = store_of(server, OwnChunks)
    with pytest.raises(LookupError):
        one.driver.upload_object_via_stream(iter([b"abc", b"!"]), one.container, "failed")
    assert not server.server.unfinished_uploads()


def test_an_upload_of_chunks_is_not_aborted_if_the_response_to_complete_is_lost(
    server: Store,
) -> None:
    one = store_of(server, OwnChunks)
    aborts = server.server.log.counts()["AbortMultipartUpload"]
    server.server.faults.add("CompleteMultipartUpload", LoseAnswer())
    with pytest.raises(UploadOutcomeUnknownError) as caught:
        one.driver.upload_object_via_stream(iter([b"abc", b"def"]), one.container, "lost")
    assert caught.value.upload_id
    assert one.body("lost") == b"abcdef"
    assert server.server.log.counts()["AbortMultipartUpload"] == aborts


def test_an_upload_of_chunks_is_aborted_if_its_completion_is_refused(server: Store) -> None:
    one = store_of(server, OwnChunks)
    server.server.faults.add("CompleteMultipartUpload", Status(400, "InvalidPart"))
    with pytest.raises(LibcloudError, match="InvalidPart"):
        one.driver.upload_object_via_stream(iter([b"abc", b"def"]), one.container, "refused")
    assert not server.server.unfinished_uploads()


@pytest.mark.parametrize("method", ["_put_object_multipart", "_upload_multipart_chunks"])
def test_keywords_that_an_override_cannot_receive_are_rejected(server: Store, method: str) -> None:
    one = store_of(server, recording(method, []))
    with pytest.raises(ValueError, match=f"ex_part_size: a subclass overrides {method}"):
        one.stream(iter([b"x"]), "stream")


@pytest.mark.parametrize("supported", [False, True])
def test_the_flag_of_a_class_selects_how_streams_are_uploaded(
    server: Store, tmp_path: Path, supported: bool
) -> None:
    calls: list[str] = []
    kind = recording("_upload_multipart", calls)
    kind.supports_s3_multipart_upload = supported
    one = store_of(server, kind)
    one.driver.upload_object_via_stream(iter([b"x"]), one.container, "stream")
    assert bool(calls) is supported
    with contextlib.nullcontext() if supported else pytest.raises(LibcloudError):
        list(one.driver.ex_iterate_multipart_uploads(one.container))


def test_the_base_class_derives_from_the_storage_driver_alone() -> None:
    assert BaseS3StorageDriver.__bases__ == (StorageDriver,)


def test_google_uploads_streams_without_parts() -> None:
    assert not GoogleStorageDriver.supports_s3_multipart_upload


def test_a_condition_holds_for_an_upload_by_chunks(server: Store) -> None:
    one = store_of(server, OwnChunks)
    one.driver.upload_object_via_stream(iter([b"first"]), one.container, "chunks")
    with pytest.raises(PreconditionFailedError):
        one.driver.upload_object_via_stream(
            iter([b"second"]), one.container, "chunks", ex_if_none_match="*"
        )
    assert one.body("chunks") == b"first"
    assert not one.server.unfinished_uploads()


class OwnCommit(S3StorageDriver):
    """Has the signature of Apache Libcloud 3.9.1, without ``headers``."""

    def _commit_multipart(  # type: ignore[override]
        self, container: Any, object_name: str, upload_id: str, chunks: Any
    ) -> str:
        return super()._commit_multipart(container, object_name, upload_id, chunks)


def test_a_commit_without_headers_gets_none_that_the_library_added(server: Store) -> None:
    one = store_of(server, OwnCommit)
    assert one.in_parts(2, "committed") == one.body("committed")


def test_a_commit_without_headers_cannot_have_a_condition(server: Store) -> None:
    one = store_of(server, OwnCommit)
    with pytest.raises(TypeError, match="headers"):
        one.in_parts(2, "conditional", ex_if_none_match="*")
    assert not one.server.unfinished_uploads()


class OwnAbort(S3StorageDriver):
    """Has the signature of Apache Libcloud 3.9.1, without ``headers``."""

    def _abort_multipart(  # type: ignore[override]
        self, container: Any, object_name: str, upload_id: str
    ) -> None:
        super()._abort_multipart(container, object_name, upload_id)


def test_an_abort_without_headers_is_called_without_them(server: Store) -> None:
    one = store_of(server, OwnAbort)
    pieces = one.failing(LookupError(), bytes(2 * PART))
    with pytest.raises(LookupError):
        one.stream(pieces, "aborted", headers={"x-amz-request-payer": "requester"})
    assert not one.server.unfinished_uploads()


class OwnPut(S3StorageDriver):
    """Has the signature of Apache Libcloud 3.9.1, without ``upload_func``."""

    def _put_object(  # type: ignore[override]
        self,
        container: Container,
        object_name: str,
        method: str = "PUT",
        query_args: Any = None,
        extra: Any = None,
        file_path: Any = None,
        stream: Any = None,
        verify_hash: bool = True,
        storage_class: Any = None,
        headers: Any = None,
    ) -> Any:
        put = super()._put_object
        obj = put(
            *(container, object_name, method, query_args, extra, file_path, stream),
            *(verify_hash, storage_class, headers),
        )
        obj.extra["own"] = True
        return obj


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_put_method_without_a_callback_is_called_as_in_apache_libcloud(
    server: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    monkeypatch.setattr(plan, "DEFAULT_PART_SIZE", 10)
    kind = type("Own", (OwnPut,), {"supports_s3_multipart_upload": in_parts})
    one = store_of(server, kind)
    for size in (5, 50):
        (tmp_path / "file").write_bytes(bytes(size))
        obj = one.driver.upload_object(tmp_path / "file", one.container, "file")
        assert obj.extra["own"]
        assert len(one.body("file")) == obj.size == size
    obj = one.driver.upload_object_via_stream(iter([b"ab", b"c"]), one.container, "stream")
    assert one.body("stream") == b"abc"
    assert obj.extra.get("own", False) is not in_parts  # streams in parts go another way there
    obj = one.driver._put_object_multipart(one.container, "parts", iter([b"abc"]))
    assert one.body("parts") == b"abc"


def test_a_driver_without_a_policy_has_the_default_one(server: Store) -> None:
    one, waits = store_of(server, S3StorageDriver), list[float]()
    vars(one.driver)["ex_retry_policy"] = None
    vars(one.driver._client.retry_loop)["sleep"] = waits.append
    server.server.faults.add("HeadBucket", Status(503, "SlowDown"))
    assert one.driver.get_container(BUCKET).name == BUCKET
    assert len(waits) == 1
