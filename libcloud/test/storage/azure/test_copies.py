# SPDX-License-Identifier: Apache-2.0
"""Copies within Azure that continue after the response: they end, fail or are interrupted."""

from __future__ import annotations

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.faults import Status

DATA = b"content of the source"
PENDING = "pending"


def copy(fake: FakeAzure, *statuses: str, interrupt: BaseException | None = None) -> Object:
    driver: AzureBlobsStorageDriver = fake.connect()
    box = Container("box", {}, driver)
    source = box.upload_object_via_stream(iter([DATA]), "source")

    def pause(seconds: float) -> None:
        if interrupt is not None:
            raise interrupt

    driver._client.retry_loop.sleep = pause
    fake.log.clear()
    fake.copy_statuses += statuses
    copied: Object = driver.ex_copy_object(source, box, "copy")
    return copied


def names(fake: FakeAzure) -> list[str]:
    return sorted(name for _, name in fake.blobs)


def test_a_copy_is_awaited(fake: FakeAzure) -> None:
    assert copy(fake, PENDING, PENDING, PENDING).size == len(DATA)
    assert fake.body("box", "copy") == DATA


@pytest.mark.parametrize("before", [[], [PENDING], [PENDING, PENDING, PENDING]])
@pytest.mark.parametrize("end", ["failed", "aborted"])
def test_a_copy_that_fails_leaves_no_empty_blob(
    fake: FakeAzure, before: list[str], end: str
) -> None:
    with pytest.raises(LibcloudError, match=f"box/copy: the copy ended as {end}: {end} as scri"):
        copy(fake, *before, end)
    assert names(fake) == ["source"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), ZeroDivisionError()])
def test_an_interrupted_copy_is_aborted(fake: FakeAzure, interrupt: BaseException) -> None:
    with pytest.raises(type(interrupt)):
        copy(fake, *[PENDING] * 9, interrupt=interrupt)
    assert names(fake) == ["source"]
    sent = [entry.operation for entry in fake.requests][-3:]
    assert sent == ["AbortCopyBlob", "GetBlobProperties", "DeleteBlob"]


def test_a_copy_that_succeeded_before_it_was_aborted_stays(fake: FakeAzure) -> None:
    with pytest.raises(KeyboardInterrupt):
        copy(fake, PENDING, PENDING, "success", interrupt=KeyboardInterrupt())
    assert names(fake) == ["copy", "source"]


def test_the_first_error_is_kept_if_the_blob_cannot_be_deleted(fake: FakeAzure) -> None:
    fake.faults.add("DeleteBlob", Status(403, "AuthorizationPermissionMismatch"))
    with pytest.raises(LibcloudError, match="the copy ended as failed") as caught:
        copy(fake, PENDING, "failed")
    assert "403" in str(vars(caught.value)["cleanup_error"])
