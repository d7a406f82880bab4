# SPDX-License-Identifier: Apache-2.0
"""Wrong uses of the public API: mypy and pyright must report each of them."""

from __future__ import annotations

from collections.abc import Iterator

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver

# fmt: off


def drivers() -> None:
    S3StorageDriver("key", "secret", endpoint="http://x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    S3StorageDriver("key", "secret", timeout="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    S3StorageDriver.from_env(regoin="eu-west-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AzureBlobsStorageDriver.from_env(account="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def uploads(container: Container, pieces: Iterator[bytes], driver: S3StorageDriver) -> None:
    container.upload_object_via_stream(pieces)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    container.upload_object_via_stream(pieces, "name", part_size=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    container.upload_object_via_stream(pieces, "name", ex_part_size="8MiB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    container.upload_object(None, "name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    driver.upload_object("path", "bucket", "name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    driver.upload_object("path", container, "name", ex_tags=["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with container.ex_open_writer("name") as writer:
        writer.write("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(writer.result.size)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def downloads(container: Container, driver: StorageDriver, obj: Object) -> None:
    driver.get_object(container, "name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    obj.download("path", ex_windows=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    obj.download("path", on_bytes=4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    obj.range_as_stream("0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    obj.as_stream(ex_sse_customer_key="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(obj.hash.upper())  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    obj.as_stream().read()  # type: ignore[attr-defined]  # pyright: ignore
