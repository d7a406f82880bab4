# SPDX-License-Identifier: Apache-2.0
"""Migrations between real servers, interrupted and resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout import shards
from libcloud.storage.scaleout.migrate import migrate
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.azurite import azurite_server
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    MissingServerError,
    moto_server,
    seaweedfs_server,
)

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
OBJECTS = {
    **{f"logs/{number:02}": pattern(number * 100) for number in range(25)},
    "big": pattern(11 * MIB),
    "empty": b"",
    "a b+%ü": b"name",
}


def s3(endpoint: Endpoint) -> Container:
    driver = S3StorageDriver(
        endpoint.key, endpoint.secret, host=endpoint.host, port=endpoint.port, secure=False
    )
    return driver.create_container("bucket")


def azure(endpoint: Endpoint) -> Container:
    driver = AzureBlobsStorageDriver(
        endpoint.key, endpoint.secret, host=endpoint.host, port=endpoint.port, secure=False
    )
    return driver.create_container("bucket")


@contextmanager
def started(server: Any) -> Iterator[Endpoint]:
    with ExitStack() as stack:
        try:
            endpoint = stack.enter_context(server())
        except MissingServerError as error:
            pytest.skip(f"missing: {error}")
        yield endpoint


@pytest.fixture(scope="module")
def source() -> Iterator[Container]:
    with moto_server() as endpoint:
        container = s3(endpoint)
        extra = {"content_type": "text/x-test", "meta_data": {"color": "blue"}}
        for name, data in OBJECTS.items():
            container.upload_object_via_stream(iter([data]), name, extra, ex_part_size=5 * MIB)
        yield container


@pytest.mark.parametrize(
    ("server", "open_container"), [(seaweedfs_server, s3), (azurite_server, azure)]
)
def test_a_bucket_of_moto_is_migrated_and_an_interrupted_shard_finished(
    source: Container,
    server: Any,
    open_container: Callable[[Endpoint], Container],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with started(server) as endpoint:
        target = open_container(endpoint)
        options: dict[str, Any] = {"job": "m1", "shard_size": 10, "verify": "read"}

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(shards, "_verify", stop)
            with pytest.raises(KeyboardInterrupt):
                migrate(source, target, **options)
        report = migrate(source, target, resume=True, **options)
        assert (report.objects, report.failed, report.is_clean) == (len(OBJECTS), 0, True)
        assert report.copied + report.present + report.replaced == len(OBJECTS)
        assert report.present >= 9  # all but the one whose hashes cannot be compared
        for name, data in OBJECTS.items():
            copy = target.get_object(name)
            assert b"".join(copy.as_stream()) == data
            assert copy.meta_data == {"color": "blue"}
            assert copy.extra["content_type"] == "text/x-test"
        again = migrate(source, target, job="m2", shard_size=10)
        assert (again.copied, again.replaced + again.present) == (0, len(OBJECTS))
        assert again.replaced <= 1
