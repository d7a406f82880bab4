# SPDX-License-Identifier: Apache-2.0
"""The Azure driver on the checking fake: requests, failures, conditions, credentials."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.azure import upload_port
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers import azure_blobs
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    FailedDeletion,
    InvalidContainerNameError,
    InvalidObjectNameError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
    PreconditionFailedError,
    UploadOutcomeUnknownError,
)
from libcloud.test._loopback import Loopback, reply
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.faults import Action, Drop, FlipBit, LoseAnswer, Status, Truncate
from libcloud.test.storage.fakes.wire import Answer

PART = 1000
LONG = pattern(PART * 3 + 17)


@dataclass(frozen=True)
class Instead(Action):
    """Answer something else."""

    answer: Answer

    def answered(self, answer: Answer) -> Answer:
        return self.answer


@pytest.fixture(scope="module")
def running() -> Iterator[FakeAzure]:
    with FakeAzure() as server:
        yield server


@pytest.fixture
def fake(running: FakeAzure) -> Iterator[FakeAzure]:
    yield running
    violations, pending = list(running.violations), list(running.faults.pending)
    running.reset()
    assert (violations, pending) == ([], [])


@pytest.fixture
def driver(fake: FakeAzure) -> AzureBlobsStorageDriver:
    return fake.connect()


@pytest.fixture
def container(fake: FakeAzure, driver: AzureBlobsStorageDriver) -> Container:
    fake.create_container("box")
    return Container("box", {}, driver)


def parts(data: bytes, size: int = 333) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def upload(container: Container, data: Any = LONG, name: str = "blob", **options: Any) -> Any:
    source = parts(data) if isinstance(data, bytes) else data
    return container.upload_object_via_stream(source, name, ex_part_size=PART, **options)


def checked(headers: Mapping[str, str]) -> str | None:
    """The checksum that a request carries."""
    return headers.get("content-md5") or headers.get("x-ms-content-crc64")


# What is sent.


def test_a_short_stream_is_one_request(fake: FakeAzure, container: Container) -> None:
    stored = upload(container, b"short")
    assert fake.operations() == ["PutBlob"]
    assert stored.hash == fake.blobs["box", "blob"].etag.strip('"')


def test_a_long_stream_is_blocks_and_their_list(fake: FakeAzure, container: Container) -> None:
    upload(container)
    assert sorted(fake.operations()) == ["PutBlock"] * 4 + ["PutBlockList"]
    assert fake.body("box", "blob") == LONG
    assert all(checked(entry.headers) for entry in fake.requests)


def test_the_blob_keeps_the_md5_of_the_whole(fake: FakeAzure, container: Container) -> None:
    upload(container)
    found = container.get_object("blob")
    assert found.extra["md5_hash"] == hashlib.md5(LONG, usedforsecurity=False).hexdigest()


def test_a_stream_that_ends_with_a_part_has_no_empty_block(
    fake: FakeAzure, container: Container
) -> None:
    upload(container, LONG[: 2 * PART])
    assert fake.count("PutBlock") == 2
    assert fake.body("box", "blob") == LONG[: 2 * PART]


def test_properties_go_with_the_request_that_publishes(
    fake: FakeAzure, container: Container
) -> None:
    extra = {"content_type": "text/x", "meta_data": {"Owner": "Ä"}}
    upload(container, extra=extra, headers={"Cache-Control": "no-cache"}, ex_storage_class="cool")
    found = container.get_object("blob")
    assert found.extra["content_type"] == "text/x"
    assert found.extra["storage_class"] == "Cool"
    assert found.meta_data == {"owner": "Ä"}
    blocks = [entry for entry in fake.requests if entry.operation == "PutBlock"]
    assert not any(name.startswith("x-ms-meta-") for e in blocks for name in e.headers)


def test_a_lease_is_held_renewed_by_no_one_else_and_released(
    fake: FakeAzure, driver: AzureBlobsStorageDriver, container: Container
) -> None:
    upload(container, b"old")
    upload(container, ex_use_lease=True)
    assert fake.body("box", "blob") == LONG
    assert fake.count("LeaseBlob") == 2
    assert not fake.leases


def test_a_lease_is_renewed_after_half_of_its_time(
    fake: FakeAzure, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(container, b"old")
    seconds = itertools.count(0, upload_port.LEASE_SECONDS)
    monkeypatch.setattr(upload_port, "time", SimpleNamespace(monotonic=seconds.__next__))
    upload(container, ex_use_lease=True)
    assert fake.body("box", "blob") == LONG
    actions = [
        entry.headers["x-ms-lease-action"]
        for entry in fake.requests
        if entry.operation == "LeaseBlob"
    ]
    assert (actions[0], set(actions[1:-1]), actions[-1]) == ("acquire", {"renew"}, "release")


def test_a_blob_that_does_not_exist_is_written_without_a_lease(
    fake: FakeAzure, container: Container
) -> None:
    upload(container, ex_use_lease=True)
    assert fake.body("box", "blob") == LONG


@pytest.mark.parametrize("nth", [1, 2])
def test_a_lease_whose_response_was_lost_is_held_and_released(
    fake: FakeAzure, container: Container, nth: int
) -> None:
    upload(container, b"old")
    fake.faults.add("LeaseBlob", LoseAnswer(), nth=nth)
    upload(container, b"new", ex_use_lease=True)
    assert fake.body("box", "blob") == b"new"
    assert fake.leases == {}


def test_a_lease_that_cannot_be_released_does_not_change_the_outcome(
    fake: FakeAzure, container: Container
) -> None:
    def failing() -> Iterator[bytes]:
        yield b"other"
        raise RuntimeError("the source failed")

    upload(container, b"old")
    fake.faults.add("LeaseBlob", Status(409, "LeaseAlreadyBroken"), nth=2)
    assert upload(container, b"new", ex_use_lease=True).size == 3
    fake.leases.clear()
    fake.faults.add("LeaseBlob", Status(409, "LeaseAlreadyBroken"), nth=2)
    with pytest.raises(RuntimeError, match="the source failed"):
        upload(container, failing(), ex_use_lease=True)
    assert fake.body("box", "blob") == b"new"


def test_removed_keywords_are_refused_as_in_apache_libcloud(container: Container) -> None:
    with pytest.raises(ValueError, match="removed: ex_blob_type"):
        upload(container, ex_blob_type="PageBlob")


# Failures.

FAULTS = [
    Status(503, "ServerBusy"),
    Status(500, "InternalError"),
    Status(500, "OperationTimedOut"),
    Drop("before_body"),
    Drop("in_body"),
    Drop("after_body"),
    LoseAnswer(),
]


def test_a_failing_source_leaves_the_old_blob(fake: FakeAzure, container: Container) -> None:
    upload(container, b"old")

    def failing() -> Iterator[bytes]:
        yield LONG
        raise OSError("the source failed")

    with pytest.raises(OSError, match="the source failed") as caught:
        upload(container, failing(), ex_window=1)
    assert fake.body("box", "blob") == b"old"
    assert len(caught.value.upload_id) == 32  # type: ignore[attr-defined]  # blocks remain
    assert fake.unfinished_uploads() == [("box", "blob")]
    upload(container)
    assert fake.body("box", "blob") == LONG


def test_nothing_is_left_of_a_source_that_fails_in_the_first_part(
    fake: FakeAzure, container: Container
) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the source failed")

    with pytest.raises(OSError, match="the source failed") as caught:
        upload(container, failing())
    assert fake.requests == []
    assert caught.value.upload_id is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("operation", "data"), [("PutBlob", b"short"), ("PutBlock", LONG), ("PutBlockList", LONG)]
)
@pytest.mark.parametrize("action", FAULTS, ids=str)
def test_a_transient_fault_is_survived(
    fake: FakeAzure, container: Container, operation: str, data: bytes, action: Any
) -> None:
    fake.faults.add(operation, action, times=2)
    stored = upload(container, data)
    assert fake.body("box", "blob") == data
    assert stored.hash == fake.blobs["box", "blob"].etag.strip('"')


@pytest.mark.parametrize(("operation", "data"), [("PutBlob", b"short"), ("PutBlockList", LONG)])
def test_a_success_without_an_etag_is_not_that_of_the_store(
    fake: FakeAzure, container: Container, operation: str, data: bytes
) -> None:
    fake.faults.add(operation, Status(201))
    upload(container, data)
    assert fake.body("box", "blob") == data


def test_a_list_whose_response_was_lost_is_published_once(
    fake: FakeAzure, container: Container
) -> None:
    fake.faults.add("PutBlockList", LoseAnswer())
    stored = upload(container, ex_if_none_match="*")
    assert stored.size == len(LONG)
    assert fake.count("GetBlockList") == 1
    assert fake.body("box", "blob") == LONG


@pytest.mark.parametrize(("operation", "data"), [("PutBlob", b"short"), ("PutBlockList", LONG)])
@pytest.mark.parametrize("times", [1, 6])
def test_a_blob_that_is_stored_in_spite_of_an_error_is_found(
    fake: FakeAzure, container: Container, operation: str, data: bytes, times: int
) -> None:
    late = Answer(500, (("x-ms-error-code", "OperationTimedOut"),))
    fake.faults.add(operation, Instead(late), times=times)
    upload(container, data, ex_if_none_match="*" if times == 1 else None)
    fake.faults.clear()  # of several attempts, the second one finds the blob
    assert fake.body("box", "blob") == data


def test_after_a_lost_response_the_blob_of_another_is_not_accepted(
    fake: FakeAzure, container: Container
) -> None:
    upload(container, b"x" * len(LONG))
    fake.faults.add("PutBlockList", Drop("after_body"), times=None)
    with pytest.raises(UploadOutcomeUnknownError):
        upload(container)
    assert fake.body("box", "blob") == b"x" * len(LONG)


def test_a_damaged_block_is_sent_again(fake: FakeAzure, container: Container) -> None:
    fake.faults.add("PutBlock", FlipBit(where="transit"))
    upload(container)
    assert fake.body("box", "blob") == LONG


def test_a_block_that_the_store_damaged_is_sent_again(
    fake: FakeAzure, container: Container
) -> None:
    fake.faults.add("PutBlock", FlipBit(where="store"))
    upload(container)
    assert fake.body("box", "blob") == LONG


def test_more_blocks_than_are_allowed_are_refused_before_anything_is_published(
    fake: FakeAzure, driver: AzureBlobsStorageDriver, container: Container
) -> None:
    fake.max_blocks = 3
    try:
        with pytest.raises(LibcloudError, match="BlockListTooLong") as caught:
            upload(container)
    finally:
        fake.max_blocks = 50_000
    assert caught.value.status == 400  # type: ignore[attr-defined]
    assert fake.blobs == {}


def test_an_upload_that_discards_the_blocks_of_another_makes_that_one_fail(
    fake: FakeAzure, container: Container
) -> None:
    def source() -> Iterator[bytes]:
        yield LONG
        fake.uncommitted.clear()

    with pytest.raises(LibcloudError, match="InvalidBlockList") as caught:
        upload(container, source(), ex_window=1)
    assert fake.blobs == {}
    assert getattr(caught.value, "upload_id", None) is None  # its blocks are gone


def test_a_blob_of_another_kind_is_named_as_the_obstacle(
    fake: FakeAzure, container: Container
) -> None:
    refusal = Answer(409, (("x-ms-error-code", "InvalidBlobType"),), b"")
    fake.faults.add("PutBlock", Instead(refusal))
    with pytest.raises(LibcloudError, match=r"append or page blob, .* delete it first") as caught:
        upload(container, ex_window=1)
    assert caught.value.status == 409  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [b"short", LONG])
def test_conditions_hold(fake: FakeAzure, container: Container, data: bytes) -> None:
    first = upload(container, b"first", ex_if_none_match="*")
    with pytest.raises(PreconditionFailedError):
        upload(container, data, ex_if_none_match="*")
    with pytest.raises(PreconditionFailedError):
        upload(container, data, ex_if_match="0x8D0")
    assert fake.body("box", "blob") == b"first"
    upload(container, data, ex_if_match=first.hash)
    assert fake.body("box", "blob") == data


@pytest.mark.parametrize("operation", ["GetBlob", "GetBlobProperties", "ListBlobs"])
@pytest.mark.parametrize("action", [*FAULTS[:4], LoseAnswer(), Truncate(3)], ids=str)
def test_a_transient_fault_of_a_read_is_survived(
    fake: FakeAzure, container: Container, operation: str, action: Any
) -> None:
    upload(container)
    if operation == "GetBlobProperties" and isinstance(action, Truncate):
        action = LoseAnswer()  # the response has no body
    fake.faults.add(operation, action)
    assert [found.name for found in container.list_objects()] == ["blob"]
    assert b"".join(container.get_object("blob").as_stream()) == LONG


@pytest.mark.parametrize("operation", ["PutBlob", "PutBlock", "PutBlockList"])
def test_a_permanent_refusal_publishes_nothing(
    fake: FakeAzure, container: Container, operation: str
) -> None:
    upload(container, b"old")
    fake.faults.add(operation, Status(403, "AuthorizationPermissionMismatch"), times=None)
    with pytest.raises(InvalidCredsError, match="AuthorizationPermissionMismatch"):
        upload(container, b"new" if operation == "PutBlob" else LONG)
    assert fake.body("box", "blob") == b"old"


def test_an_upload_whose_blocks_were_all_refused_leaves_nothing(
    fake: FakeAzure, driver: AzureBlobsStorageDriver
) -> None:
    with pytest.raises(ContainerDoesNotExistError) as caught:
        upload(Container("missing", {}, driver))
    assert caught.value.upload_id is None  # type: ignore[attr-defined]


def test_objects_of_a_missing_container_are_not_counted_as_deleted(
    fake: FakeAzure, driver: AzureBlobsStorageDriver
) -> None:
    missing = Container("missing", {}, driver)
    objects = [Object(name, 1, "", {}, {}, missing, driver) for name in "ab"]
    results = list(driver.ex_delete_objects(objects))
    assert [type(one) for one in results] == [FailedDeletion] * 2
    assert all(one.code == "ContainerNotFound" for one in results)  # type: ignore[union-attr]  # as above


def test_a_web_page_is_not_a_success(fake: FakeAzure, container: Container) -> None:
    page = Answer(200, (("Content-Type", "text/html"),), b"<html>login</html>")
    fake.faults.add("ListBlobs", Instead(page), times=None)
    with pytest.raises(LibcloudError, match="'html'"):
        container.list_objects()


@pytest.mark.parametrize(("operation", "data"), [("PutBlob", b"x"), ("PutBlockList", LONG)])
def test_an_upload_with_a_web_page_as_response_is_looked_up(
    fake: FakeAzure, container: Container, operation: str, data: bytes
) -> None:
    page = Answer(200, (("Content-Type", "text/html"),), b"<html>login</html>")
    fake.faults.add(operation, Instead(page), times=None)
    assert upload(container, data).size == len(data)
    assert fake.body("box", "blob") == data


def test_a_404_page_of_a_proxy_does_not_mean_that_a_blob_is_missing(container: Container) -> None:
    with Loopback(lambda _: reply(404, b"<html>", {"Content-Type": "text/html"})) as proxy:
        driver = AzureBlobsStorageDriver(
            "account", "a2V5", secure=False, host="127.0.0.1", port=proxy.port
        )
        obj = Object("blob", 1, "", {}, {}, Container("box", {}, driver), driver)
        for action in (
            obj.delete,
            lambda: list(obj.as_stream()),
            lambda: driver.get_object("a", "b"),
        ):
            with pytest.raises(LibcloudError, match="404") as caught:
                action()
            assert type(caught.value) is LibcloudError


# Bad input.


@pytest.mark.parametrize("name", [5, b"x", None])
def test_a_name_that_is_not_text_is_an_error_of_its_type(
    fake: FakeAzure, container: Container, name: Any
) -> None:
    driver, requests = container.driver, len(fake.operations())
    obj, other = Object("x", 1, "", {}, {}, container, driver), Container("x", {}, driver)
    obj.name = other.name = name
    for action in (
        obj.delete,
        lambda: list(obj.as_stream()),
        lambda: list(obj.range_as_stream(0, 1)),
        other.delete,
        other.list_objects,
    ):
        with pytest.raises(TypeError, match=r"(object|container)_name must be a str, not"):
            action()
    assert len(fake.operations()) == requests


def test_a_container_is_not_empty_because_the_first_page_is(
    fake: FakeAzure, driver: AzureBlobsStorageDriver, container: Container
) -> None:
    upload(container, b"data")
    text = "<EnumerationResults><Blobs/><NextMarker>2!0</NextMarker></EnumerationResults>"
    fake.faults.add("ListBlobs", Instead(Answer(200, (), text.encode())))
    with pytest.raises(ContainerIsNotEmptyError):
        driver.delete_container(container)
    assert fake.body("box", "blob") == b"data"


def test_a_wrong_key_is_refused_with_status_and_code(fake: FakeAzure, container: Container) -> None:
    other = fake.connect(secret="d3Jvbmc=")
    with pytest.raises(InvalidCredsError, match="AuthenticationFailed") as caught:
        upload(Container("box", {}, other))
    assert caught.value.status == 403  # type: ignore[attr-defined]
    assert "d3Jvbmc=" not in str(caught.value)
    assert fake.blobs == {}


def test_an_invalid_key_is_refused_without_a_request(fake: FakeAzure) -> None:
    with pytest.raises(InvalidCredsError, match="base64"):
        fake.connect(secret="no key at all").list_containers()
    assert fake.requests == []


def test_an_invalid_account_is_refused(fake: FakeAzure) -> None:
    with pytest.raises(LibcloudError, match="InvalidUri"):
        fake.connect(key="nobody").list_containers()


def test_a_container_name_is_refused(driver: AzureBlobsStorageDriver) -> None:
    with pytest.raises(InvalidContainerNameError, match="InvalidResourceName") as caught:
        driver.create_container("Not_A_Name")
    assert caught.value.status == 400  # type: ignore[attr-defined]


def test_a_name_of_another_blob_is_refused_without_a_request(
    fake: FakeAzure, container: Container
) -> None:
    with pytest.raises(InvalidObjectNameError):
        upload(container, b"x", "a/../b")
    assert fake.requests == []


# Downloads.


def test_a_broken_download_resumes(fake: FakeAzure, container: Container) -> None:
    upload(container)
    fake.faults.add("GetBlob", Truncate(500))
    found = container.get_object("blob")
    assert b"".join(found.as_stream(chunk_size=250)) == LONG
    ranges = [e.headers.get("x-ms-range") for e in fake.requests if e.operation == "GetBlob"]
    assert ranges == [None, f"bytes=500-{len(LONG) - 1}"]


def test_a_download_of_several_connections_is_whole(
    fake: FakeAzure, container: Container, tmp_path: Path
) -> None:
    upload(container)
    found = container.get_object("blob")
    fake.faults.use_two_connections("GetBlob", after=500)
    assert found.download(str(tmp_path / "f"), ex_window=3, ex_part_size=700, ex_verify_hash=False)
    assert (tmp_path / "f").read_bytes() == LONG
    assert fake.count("GetBlob") > 2
    assert not fake.faults.pending


def test_damage_on_the_way_is_noticed(fake: FakeAzure, container: Container) -> None:
    upload(container)
    fake.faults.add("GetBlob", FlipBit(where="answer"))
    with pytest.raises(ObjectHashMismatchError):
        b"".join(container.get_object("blob").as_stream())


def test_a_blob_replaced_during_a_download_is_not_mixed(
    fake: FakeAzure, driver: AzureBlobsStorageDriver, container: Container
) -> None:
    upload(container)
    found = container.get_object("blob")
    upload(container, b"y" * len(LONG))
    with pytest.raises(ObjectChangedError):
        b"".join(driver._range_of_version(found, 0, 10))


# URLs, copies, tiers.


def test_a_signed_url_needs_no_key(fake: FakeAzure, container: Container) -> None:
    upload(container, b"public", "a b/ä")
    url = container.get_object("a b/ä").get_cdn_url()
    with urllib.request.urlopen(url, timeout=60) as response:
        assert response.read() == b"public"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("sp=r", "sp=rw"), timeout=60)


def test_a_copy_is_the_version_that_was_meant(
    driver: AzureBlobsStorageDriver, container: Container
) -> None:
    upload(container, b"one", extra={"meta_data": {"a": "1"}})
    found = container.get_object("blob")
    copy = driver.ex_copy_object(found, container, "copy")
    assert (copy.size, copy.meta_data) == (3, {"a": "1"})
    upload(container, b"two")
    with pytest.raises(PreconditionFailedError):
        driver.ex_copy_object(found, container, "copy")


def test_the_tier_of_a_blob_can_be_changed(
    driver: AzureBlobsStorageDriver, container: Container
) -> None:
    found = upload(container, b"x")
    driver.ex_set_storage_class(found, "archive")
    assert container.get_object("blob").extra["storage_class"] == "Archive"
    with pytest.raises(ValueError, match="Hot, Cool, Cold, Archive"):
        driver.ex_set_storage_class(found, "GLACIER")


def test_metadata_can_be_replaced(driver: AzureBlobsStorageDriver, container: Container) -> None:
    found = upload(container, b"x", extra={"meta_data": {"old": "1"}})
    driver.ex_set_object_metadata(found, {"new": "2"})
    assert container.get_object("blob").meta_data == {"new": "2"}


# Credentials.


CONNECTION = "DefaultEndpointsProtocol=http;AccountName={0.key};AccountKey={0.secret};" + (
    "BlobEndpoint={0.url}/{0.key}"
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("CONNECTION_STRING", "ACCOUNT", "KEY", "SAS_TOKEN", "SERVICE_ENDPOINT"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    return monkeypatch


def test_a_connection_string_names_account_key_and_endpoint(
    fake: FakeAzure, environment: pytest.MonkeyPatch
) -> None:
    fake.create_container("box")
    environment.setenv("AZURE_STORAGE_CONNECTION_STRING", CONNECTION.format(fake))
    driver = AzureBlobsStorageDriver.from_env()
    assert [found.name for found in driver.list_containers()] == ["box"]


def test_a_url_names_the_container(fake: FakeAzure, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_STORAGE_CONNECTION_STRING", CONNECTION.format(fake))
    fake.create_container("box")
    driver = AzureBlobsStorageDriver.from_url("az://box")
    assert driver.ex_container is not None
    assert upload(driver.ex_container).size == len(LONG)


@pytest.mark.parametrize(
    "url", ["s3://box", "az://box/blob", "az://user:secret@box", "az://box?key=secret"]
)
def test_an_invalid_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        AzureBlobsStorageDriver.from_url(url)
    assert "secret" not in str(caught.value)


def test_the_account_and_its_key_are_found(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    environment.setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
    driver = AzureBlobsStorageDriver.from_env()
    assert driver.connection.host == "acme.blob.core.windows.net"
    with pytest.raises(ValueError, match="connection string") as caught:
        AzureBlobsStorageDriver.from_env(connection_string="AccountKeyc2VjcmV0")
    assert "c2VjcmV0" not in str(caught.value)


def test_the_error_for_a_missing_account_names_the_variable(
    environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(CredentialsNotFoundError, match="AZURE_STORAGE_ACCOUNT"):
        AzureBlobsStorageDriver.from_env()


def test_a_shared_access_signature_goes_with_each_request(fake: FakeAzure) -> None:
    signer = fake.connect()
    fake.create_container("box")
    upload(Container("box", {}, signer), b"x")
    url = Container("box", {}, signer).get_object("blob").get_cdn_url()
    driver = fake.connect(secret=None, ex_sas_token=url.partition("?")[2])
    found = SimpleNamespace(name="blob", size=1, hash="", extra={}, driver=driver)
    found.container = Container("box", {}, driver)
    assert b"".join(driver.download_object_as_stream(found)) == b"x"  # type: ignore[arg-type]
    assert "authorization" not in fake.requests[-1].headers
    with pytest.raises(LibcloudError, match="account key"):
        driver.get_object_cdn_url(found)  # type: ignore[arg-type]


class Tokens:
    """A credential as ``azure-identity`` has them."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.asked: list[str] = []

    def get_token(self, scope: str) -> SimpleNamespace:
        self.asked.append(scope)
        expires = datetime.now(timezone.utc).timestamp() + self.lifetime
        return SimpleNamespace(token=f"token{len(self.asked)}", expires_on=int(expires))


@pytest.mark.parametrize(("lifetime", "asked"), [(3600, 1), (-1, 2)])
def test_a_credential_of_azure_identity_gives_tokens(
    fake: FakeAzure, lifetime: float, asked: int
) -> None:
    fake.tokens.update({"token1", "token2"})
    credential = Tokens(lifetime)
    driver = fake.connect(secret=None, ex_credential=credential)
    for _ in range(2):
        assert driver.list_containers() == []
    assert credential.asked == ["https://storage.azure.com/.default"] * asked
    assert fake.requests[-1].headers["authorization"] == f"Bearer token{asked}"


def test_a_login_needs_azure_identity(fake: FakeAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure.identity", None)
    with pytest.raises(CredentialsNotFoundError, match=r"libcloud-storage\[azure\]"):
        fake.connect(secret=None, ex_credential="cli")
    with pytest.raises(ValueError, match="managed_identity"):
        fake.connect(secret=None, ex_credential="nobody")


def test_without_credentials_nothing_is_made() -> None:
    with pytest.raises(TypeError, match="credentials are needed"):
        AzureBlobsStorageDriver("acme")


def test_a_driver_can_be_pickled(fake: FakeAzure, container: Container) -> None:
    copy = pickle.loads(pickle.dumps(container.driver))
    assert [found.name for found in copy.list_containers()] == ["box"]


def test_no_secret_is_shown(fake: FakeAzure) -> None:
    driver = fake.connect(ex_sas_token="sv=1&sig=verysecret")
    assert "verysecret" not in repr(vars(driver)["_access"])


def test_the_public_names_of_apache_libcloud_are_there() -> None:
    for name in ("AZURE_UPLOAD_CHUNK_SIZE", "AZURE_LEASE_PERIOD", "RESPONSES_PER_REQUEST"):
        assert isinstance(getattr(azure_blobs, name), int)
    assert azure_blobs.AuthType.AZURE_AD == "azureAD"


def test_headers_of_an_upload_pass_through_the_hook_of_apache_libcloud(
    driver: AzureBlobsStorageDriver, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_fix_headers", lambda headers: {"x-ms-blob-cache-control": "x"})
    headers = {"Cache-Control": "y"}
    driver.upload_object_via_stream(iter([b"x"]), container, "o", headers=headers)

    assert driver.get_object(container.name, "o").extra["cache_control"] == "x"


def test_a_deletion_whose_response_was_lost_has_succeeded(
    fake: FakeAzure, driver: AzureBlobsStorageDriver, container: Container
) -> None:
    stored = upload(container, b"data")
    fake.faults.add("DeleteBlob", LoseAnswer())
    assert driver.delete_object(stored)
    with pytest.raises(ObjectDoesNotExistError):
        driver.delete_object(stored)
    fake.faults.add("DeleteContainer", LoseAnswer())
    assert driver.delete_container(container)
    assert fake.containers == {}
