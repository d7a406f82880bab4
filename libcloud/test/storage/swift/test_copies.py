# SPDX-License-Identifier: Apache-2.0
"""Copies within a cluster: by the store, or by a stream."""

from __future__ import annotations

from typing import Any

import pytest

from libcloud.common.types import MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.swift import FakeSwift, SwiftLimits
from libcloud.test.storage.fakes.swift_faults import other_etag
from libcloud.test.storage.swift.conftest import Connect

PART = 1000
DATA = pattern(5 * PART + 1)


def upload(container: Container, data: bytes = DATA, name: str = "big", **options: Any) -> None:
    container.upload_object_via_stream(iter([data]), name, ex_part_size=PART, **options)


@pytest.mark.parametrize("data", [b"small", DATA])
def test_the_store_copies(
    fake: FakeSwift, driver: OpenStackSwiftStorageDriver, container: Container, data: bytes
) -> None:
    extra = {"meta_data": {"owner": "me"}, "content_type": "text/x-log"}
    upload(container, data, extra=extra)
    found = container.get_object("big")
    copied = driver.ex_copy_object(found, container, "a copy")
    found.delete()
    assert fake.body("docs", "a copy") == data and copied.size == len(data)
    again = container.get_object("a copy")
    assert (again.meta_data, again.extra["content_type"]) == ({"owner": "me"}, "text/x-log")
    driver.ex_copy_object(again, container, "a copy", metadata={"other": "1"}, content_type="a/b")
    changed = container.get_object("a copy")
    assert (changed.meta_data, changed.extra["content_type"]) == ({"other": "1"}, "a/b")


@pytest.mark.parametrize("metadata", [None, {"other": "1"}])
@pytest.mark.parametrize("data", [b"small", DATA])
def test_a_copy_keeps_the_properties_of_the_object(
    driver: OpenStackSwiftStorageDriver, container: Container, data: bytes, metadata: Any
) -> None:
    sent = {"Content-Encoding": "gzip", "content-disposition": "inline", "Cache-Control": "private"}
    upload(container, data, headers=sent)
    found = container.get_object("big")
    changed = {"cache-control": "no-store"}
    driver.ex_copy_object(found, container, "a copy", metadata=metadata, headers=changed)
    copied = container.get_object("a copy")
    assert found.extra["cache_control"] == "private"
    assert copied.extra["cache_control"] == "no-store"
    for name, value in (("content_encoding", "gzip"), ("content_disposition", "inline")):
        assert found.extra[name] == copied.extra[name] == value


def test_a_copy_expires_when_the_object_does(
    driver: OpenStackSwiftStorageDriver, container: Container
) -> None:
    upload(container, b"small", headers={"X-Delete-At": "4102444800"})
    driver.ex_copy_object(container.get_object("big"), container, "a copy")
    found = driver.connection.request("/docs/a%20copy", method="HEAD")
    assert found.headers["x-delete-at"] == "4102444800"


def test_what_is_too_large_for_one_request_is_copied_by_a_stream(connect: Connect) -> None:
    with FakeSwift(SwiftLimits(max_file_size=1000)) as small:
        driver = connect(host=small.host, port=small.port)
        container = driver.create_container("docs")
        upload(container, headers={"Content-Encoding": "gzip"})
        driver.ex_copy_object(container.get_object("big"), container, "copy", ex_part_size=PART)
        assert small.body("docs", "copy") == DATA and len(small.segments()) == 12
        assert container.get_object("copy").extra["content_encoding"] == "gzip"


def test_a_copy_does_not_share_the_segments_of_the_original(connect: Connect) -> None:
    """Ceph RGW copies the manifest alone."""
    with FakeSwift(SwiftLimits(copies_manifests=True)) as server:
        driver = connect(host=server.host, port=server.port)
        container = driver.create_container("docs")
        upload(container, extra={"meta_data": {"owner": "me"}})
        found = container.get_object("big")
        driver.ex_copy_object(found, container, "copy", ex_part_size=PART)
        driver.ex_copy_object(found, container, "big", metadata={"owner": "me"})
        found.delete()
        assert server.body("docs", "copy") == DATA
        assert container.get_object("copy").meta_data == {"owner": "me"}


def test_a_store_that_shows_no_manifests_loses_no_segments(connect: Connect) -> None:
    """Ceph RGW has an empty response for them."""
    with FakeSwift(SwiftLimits(shows_manifests=False)) as server:
        driver = connect(host=server.host, port=server.port)
        container = driver.create_container("docs")
        upload(container)
        session = driver.ex_begin_upload(container, "big")  # another upload of the same name
        session.upload_part(1, DATA)
        with pytest.raises(MalformedResponseError, match="it has no manifest"):
            driver.ex_cleanup_multipart_uploads(container)
        assert server.body("docs", "big") == DATA


@pytest.mark.parametrize("shows_manifests", [True, False])
def test_a_store_that_refuses_the_etag_of_a_manifest_gets_none(
    connect: Connect, shows_manifests: bool
) -> None:
    """Ceph RGW refuses each."""
    limits = SwiftLimits(checks_manifests=False, shows_manifests=shows_manifests)
    with FakeSwift(limits) as server:
        driver = connect(host=server.host, port=server.port)
        container = driver.create_container("docs")
        for data in (DATA, DATA[::-1]):
            upload(container, data)
            assert server.body("docs", "big") == data
        assert server.log.count("PUT manifest") == 3
        assert len(server.segments()) == (6 if shows_manifests else 12)
        assert server.violations == []


def test_a_manifest_without_an_etag_is_compared(connect: Connect) -> None:
    with FakeSwift(SwiftLimits(checks_manifests=False)) as server:
        driver = connect(host=server.host, port=server.port)
        container = driver.create_container("docs")
        upload(container)
        # The first HEAD looks for segments to replace.
        server.faults += [("HEAD object", lambda *_: None), ("HEAD object", other_etag)]
        server.faults.append(("PUT manifest", other_etag))
        with pytest.raises(UploadOutcomeUnknownError):
            upload(container, DATA[::-1], "other")
