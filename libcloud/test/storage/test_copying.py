# SPDX-License-Identifier: Apache-2.0
"""A copy that is streamed through this process keeps what its store can keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.base import Object
from libcloud.storage.copying import properties_of
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.types import ObjectTooLargeError
from libcloud.test.storage.s3_servers import Store, store


@pytest.fixture(scope="module")
def s3() -> Iterator[Store]:
    with store() as found:
        yield found
        assert not found.server.violations


@pytest.fixture(scope="module")
def original(s3: Store) -> Object:
    extra = {"content_type": "x/y", "meta_data": {"color": "blue"}}
    s3.driver.upload_object_via_stream(
        *(iter([b"data"]), s3.container, "a", extra, {"Cache-Control": "no-cache"}),
        ex_tags={"stage": "raw"},
    )
    found: Object = s3.driver.get_object("bucket", "a")
    return found


def properties(s3: Store, name: str) -> Any:
    found = s3.driver.get_object("bucket", name)
    extra = found.extra
    assert (found.size, found.meta_data, extra["content_type"]) == (4, {"color": "blue"}, "x/y")
    return extra["cache_control"], s3.driver.ex_get_object_tags(found)


def test_a_file_that_is_too_large_for_the_store_to_copy_keeps_its_properties(
    s3: Store, original: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ObjectTooLargeError("too large", s3.driver, "a")

    monkeypatch.setattr(s3.driver, "ex_copy_object", refuse)
    LibcloudFileSystem(driver=s3.driver, skip_instance_cache=True).cp_file("bucket/a", "bucket/b")
    assert properties(s3, "b") == ("no-cache", {"stage": "raw"})


def test_properties_that_are_given_replace_those_of_the_object(s3: Store, original: Object) -> None:
    kept = properties_of(original, s3.driver)
    kept.upload(
        *(original, original.as_stream(), s3.container, "c"),
        headers={"CACHE-CONTROL": "max-age=1"},
        ex_tags={"stage": "done"},
    )
    assert properties(s3, "c") == ("max-age=1", {"stage": "done"})


def test_what_the_destination_does_not_support_is_lost(original: Object, tmp_path: Path) -> None:
    lost = properties_of(original, LocalStorageDriver(str(tmp_path))).lost
    assert lost == ["metadata", "content type", "Cache-Control", "tags"]
