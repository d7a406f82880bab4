# SPDX-License-Identifier: Apache-2.0
"""What tests of S3 drivers share: drivers with small parts on a server that checks, and copies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from libcloud.storage.base import Container
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver, S3StorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test.storage.conformance.harness import pattern as pattern
from libcloud.test.storage.fakes.faults import Hold
from libcloud.test.storage.fakes.log import Entry
from libcloud.test.storage.fakes.options import AMAZON, MIB, SIGV2, Options
from libcloud.test.storage.fakes.server import FakeS3

BUCKET = "bucket"

PART = 1000
"""Bytes of a part: small, and no power of two."""


def with_small_parts(kind: type[BaseS3StorageDriver]) -> type[BaseS3StorageDriver]:
    """``kind`` for a store whose parts may be of any size; it does not wait before a retry."""
    limits = replace(kind.profile.limits, min_part_size=1)
    members = {
        "profile": replace(kind.profile, limits=limits),
        "ex_retry_policy": RetryPolicy(base=0.0, longest_wait=0.0),
    }
    return type(kind.__name__, (kind,), members)


@dataclass(frozen=True)
class Store:
    """A server, and a driver for it that has one container."""

    server: FakeS3
    driver: Any  # the methods with ex_ are not part of StorageDriver
    container: Container

    def stream(self, source: Any, name: str = "object", **options: Any) -> Any:
        """Upload in parts of :data:`PART` bytes."""
        options = {"ex_part_size": PART, **options}
        return self.driver.upload_object_via_stream(source, self.container, name, **options)

    def in_parts(self, count: int = 3, name: str = "object", **options: Any) -> bytes:
        """Upload ``count`` parts, the last of one byte; what was uploaded."""
        data = pattern(PART * (count - 1) + 1)
        self.stream(iter([data]), name, **options)
        return data

    def body(self, name: str = "object") -> bytes:
        """What the server holds."""
        return self.server.body(BUCKET, name)

    def requests(self, *operations: str) -> list[Entry]:
        """The requests of these operations; parts in the order of their numbers."""
        found = [entry for entry in self.server.requests if entry.operation in operations]
        return sorted(found, key=lambda entry: (entry.part_number or 0, entry.index))

    def failing(self, error: BaseException, data: bytes) -> Iterator[bytes]:
        """``data``, and then ``error``, once the upload is being created by whatever thread."""
        created = Hold("before")
        created.release.set()
        self.server.faults.add("CreateMultipartUpload", created)
        yield data
        assert created.reached.wait(30)
        raise error

    def assert_nothing_is_left(self, *names: str) -> None:
        """Fail unless the store holds ``names``, no unfinished upload, and no rule was broken."""
        assert [name for _, name in sorted(self.server.objects)] == sorted(names)
        assert not self.server.unfinished_uploads()
        assert not self.server.violations


@contextlib.contextmanager
def store(
    options: Options | None = None,
    kind: type[BaseS3StorageDriver] | None = None,
    *,
    version: str = "4",
    buckets: Iterable[str] = (BUCKET,),
    **keywords: Any,
) -> Iterator[Store]:
    """A server with a bucket, and a driver of class ``kind`` for it.

    :param version: of the signature: Amazon's driver for 4, that of Ceph's gateway for 2.
    :param keywords: of the driver; those given win.
    """
    options = options or (AMAZON if version == "4" else SIGV2)
    kind = kind or (S3StorageDriver if version == "4" else S3RGWStorageDriver)
    with FakeS3(replace(options, min_part_size=1)) as server:
        server.create_bucket(*buckets)
        where = {"host": server.host, "port": server.port, "secure": options.tls}
        region = {"region": options.region} if options.region else {}
        driver: Any = with_small_parts(kind)(
            *(server.key, server.secret), **{**where, **region, **keywords}
        )
        if server.certificate is not None:
            driver.connection.connection._setup_ca_cert(ca_cert=server.certificate)
        yield Store(server, driver, Container(BUCKET, {}, driver))


def put(made: Store, size: int = 10, name: str = "source", **options: Any) -> Any:
    """A new object, as the driver finds it."""
    made.stream(iter([pattern(size)]), name, ex_part_size=10 * MIB, **options)
    return found(made, name)


def found(made: Store, name: str) -> Any:
    return made.driver.get_object(BUCKET, name)


def in_parts(made: Store, obj: Any, name: str = "copy", **options: Any) -> Any:
    return made.driver.ex_copy_object(
        obj, made.container, name, **{"ex_part_size": PART, **options}
    )


def copies(made: Store) -> list[str]:
    """The requests that change something at the store."""
    return [
        operation
        for operation in made.server.operations()
        if operation not in ("HeadBucket", "HeadObject", "PutObject")
    ]


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
