# SPDX-License-Identifier: Apache-2.0
"""What the tests of drivers for S3-compatible stores share: one round through a checking server."""

from __future__ import annotations

from typing import Any

from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.test.storage.fakes.options import MIB, Options
from libcloud.test.storage.fakes.server import FakeS3

DATA = bytes(range(256)) * (24 * 1024)  # 6 MiB: two parts of 5 MiB at most


def any_region(version: str, **options: Any) -> Options:
    """A server that checks signatures of that version, for whatever region they are."""
    return Options(region=None, signature_versions=(version,), **options)


def connect(
    driver_type: type[BaseS3StorageDriver], server: FakeS3, **keywords: Any
) -> BaseS3StorageDriver:
    """A driver of that class, on the server."""
    return driver_type(
        server.key, server.secret, False, host=server.host, port=server.port, **keywords
    )


def round_trip(driver: BaseS3StorageDriver, server: FakeS3) -> None:
    """Store, list, read and delete an object whose name is hard to sign, in two parts."""
    server.create_bucket("bucket")
    container = driver.get_container("bucket")
    name = "dir/ü +~?&=.bin"
    pieces = iter([DATA[:100], DATA[100:]])
    stored = driver.upload_object_via_stream(
        pieces, container, name, extra={"meta_data": {"k": "v  w"}}, ex_part_size=5 * MIB
    )
    assert stored.size == len(DATA)
    assert server.body("bucket", name) == DATA
    assert server.count("UploadPart") == 2
    found = driver.get_object("bucket", name)
    assert (found.size, found.hash, found.meta_data) == (len(DATA), stored.hash, {"k": "v  w"})
    assert [obj.name for obj in container.list_objects()] == [name]
    assert b"".join(driver.download_object_as_stream(found)) == DATA
    assert driver.delete_object(found)
    assert not server.unfinished_uploads()
    assert not server.violations
