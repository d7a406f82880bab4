# SPDX-License-Identifier: Apache-2.0
"""Programs look for the status code in the text of an error: it stays there, whatever failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.s3_servers import BUCKET, PART, Store, store


@pytest.fixture
def s3() -> Iterator[Store]:
    with store() as running:
        running.in_parts(1)
        yield running


def _file(path: Path, size: int = 1) -> str:
    path.write_bytes(bytes(size))
    return str(path)


CALLS: dict[str, tuple[str, Callable[[Store, Path], Any]]] = {
    "list containers": ("ListBuckets", lambda s3, _: s3.driver.list_containers()),
    "make a container": ("CreateBucket", lambda s3, _: s3.driver.create_container("new")),
    "delete a container": ("DeleteBucket", lambda s3, _: s3.container.delete()),
    "list objects": ("ListObjectsV2", lambda s3, _: s3.container.list_objects()),
    "get an object": ("HeadObject", lambda s3, _: s3.driver.get_object(BUCKET, "object")),
    "delete an object": ("DeleteObject", lambda s3, _: _object(s3).delete()),
    "upload a file": (
        "PutObject",
        lambda s3, path: s3.container.upload_object(_file(path / "x"), "x"),
    ),
    "upload a stream": ("UploadPart", lambda s3, _: s3.stream(iter([bytes(PART * 2)]), "x")),
    "download a file": ("GetObject", lambda s3, path: _object(s3).download(str(path / "y"))),
    "download a stream": ("GetObject", lambda s3, _: list(_object(s3).as_stream())),
    "download a range": ("GetObject", lambda s3, _: list(_object(s3).range_as_stream(0, 1))),
}


def _object(s3: Store) -> Any:
    return s3.container.get_object("object")


@pytest.mark.parametrize("status", [400, 403, 503])
@pytest.mark.parametrize("what", CALLS)
def test_the_status_is_in_the_text(s3: Store, tmp_path: Path, what: str, status: int) -> None:
    operation, call = CALLS[what]
    s3.driver._client.retry_loop.sleep = lambda _: None
    s3.server.faults.add(operation, Status(status, "SomeCode", "Somebody says so."), times=None)
    with pytest.raises(LibcloudError) as caught:
        call(s3, tmp_path)
    assert str(status) in str(caught.value)
