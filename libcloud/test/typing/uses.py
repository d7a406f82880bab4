# SPDX-License-Identifier: Apache-2.0
"""Uses of the public API that type checkers must accept, with the types that they must find."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.s3 import S3MultipartUpload, S3StorageDriver
from libcloud.storage.providers import get_driver, set_driver
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.transfer.progress import PartDone, UploadEvent
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
    Provider,
)
from libcloud.storage.writer import UploadWriter

if TYPE_CHECKING:
    from typing_extensions import assert_type


def drivers(environment: dict[str, Any]) -> None:
    assert_type(get_driver(Provider.S3), type[StorageDriver])
    get_driver(Provider.S3)("key", "secret", region="eu-west-1")
    get_driver("minio")("key", "secret", host="localhost", port=9000, secure=False)
    set_driver("mine", "package.module", "Driver")("key")
    S3StorageDriver("key", "secret", endpoint_url="http://127.0.0.1:9000", timeout=3.5)
    S3StorageDriver("key", "secret", timeout=(1, 60), proxy_url=None, ex_addressing_style="auto")
    S3StorageDriver(ex_anonymous=True, ex_s3_profile="r2", host="example.org")
    S3StorageDriver("key", "secret", **environment)
    MinIOStorageDriver("key", "secret", host="localhost", token="token", ex_total_timeout=60)
    GoogleStorageDriver("GOOG", "secret", project="p", ex_checksum_calculation="when_required")
    AzureBlobsStorageDriver("account", ex_credential="default", timeout=5)
    OpenStackSwiftStorageDriver("user", "key", ex_force_auth_url="https://keystone.example/v3")
    LocalStorageDriver("/srv/objects", ex_use_locking=False)
    assert_type(S3StorageDriver.from_env(profile="backup"), S3StorageDriver)
    assert_type(MinIOStorageDriver.from_env(host="localhost"), MinIOStorageDriver)
    driver = S3StorageDriver.from_url("s3://bucket?profile=backup", region="eu-west-2")
    assert_type(driver, S3StorageDriver)
    assert_type(driver.ex_container, Container | None)
    assert_type(AzureBlobsStorageDriver.from_env(key="account"), AzureBlobsStorageDriver)
    swift = OpenStackSwiftStorageDriver.from_env(cloud="backup", region="one")
    assert_type(swift, OpenStackSwiftStorageDriver)


def containers(driver: StorageDriver) -> None:
    assert_type(driver.list_containers(), list[Container])
    assert_type(driver.iterate_containers(), Iterator[Container])
    try:
        container = driver.get_container("backups")
    except ContainerDoesNotExistError as error:
        print(error.container_name)
        container = driver.create_container("backups")
    assert_type(container, Container)
    assert_type(container.iterate_objects(prefix="2026/"), Iterator[Object])
    assert_type(container.list_objects(), list[Object])
    assert_type(container.delete(), bool)


def uploads(container: Container, pieces: Iterator[bytes], path: Path) -> None:
    def on_event(event: UploadEvent) -> None:
        if isinstance(event, PartDone):
            print(event.number, event.bytes_done)

    budget = MemoryBudget(64 * 1024 * 1024)
    obj = container.upload_object_via_stream(pieces, "dump.sql")
    assert_type(obj, Object)
    assert_type((obj.name, obj.size, obj.hash), tuple[str, int, str | None])
    container.upload_object_via_stream(
        (part for part in (b"a", b"b")),
        "dump.sql",
        {"content_type": "application/sql", "meta_data": {"made-by": "me"}},
        {"Cache-Control": "no-store"},
        ex_storage_class="standard_ia",
        ex_part_size=16 * 1024 * 1024,
        ex_max_memory=budget,
        ex_executor=ThreadPoolExecutor(4),
        ex_on_failure="keep",
        ex_tags={"project": "atlas"},
        ex_object_lock_mode="GOVERNANCE",
        ex_object_lock_until=datetime.now(timezone.utc) + timedelta(days=1),
        on_event=on_event,
    )
    with path.open("rb") as file:
        container.upload_object_via_stream(file, "dump.sql", on_event=lambda event: print(event))
    container.upload_object(path, "dump.sql", verify_hash=False, ex_checksum="crc32")
    container.upload_object(str(path), "dump.sql", ex_if_none_match="*")
    with container.ex_open_writer("log.txt", ex_window=4) as writer:
        assert_type(writer, UploadWriter[Object])
        assert_type(writer.write(b"line\n"), int)
    assert_type(writer.result, Object | None)


def downloads(container: Container, key: bytes) -> None:
    try:
        obj = container.get_object("dump.sql")
    except ObjectDoesNotExistError as error:
        print(error.object_name)
        raise
    assert_type(obj.as_stream(), Iterator[bytes])
    assert_type(obj.as_stream(chunk_size=1024, ex_sse_customer_key=key), Iterator[bytes])
    assert_type(obj.download(Path("dump.sql"), overwrite_existing=True, ex_window=8), bool)
    assert_type(obj.download("directory/", on_bytes=lambda count: print(count + 1)), bool)
    assert_type(obj.range_as_stream(0, 100, ex_request_payer=True), Iterator[bytes])
    assert_type(obj.download_range("start", 0, 100), bool)
    assert_type(container.download_object_as_stream(obj, ex_verify_hash=True), Iterator[bytes])
    assert_type(obj.get_cdn_url(), str)
    assert_type(obj.delete(), bool)
    assert_type(obj.container, Container)
    assert_type(obj.driver, StorageDriver)


def many(driver: StorageDriver, container: Container, paths: list[Path]) -> None:
    pairs = ((path, path.name) for path in paths)
    for result in driver.ex_upload_objects(pairs, container, jobs=8, ex_tags={"a": "b"}):
        assert_type(result.value, Object | None)
        assert_type(result.error, Exception | None)
    wanted = [(obj, Path(obj.name)) for obj in container.iterate_objects()]
    for saved in driver.ex_download_objects(wanted, fail_fast=False, overwrite_existing=True):
        assert_type(saved.value, str | None)
    for deletion in driver.ex_delete_objects(["a", "b"], container):
        assert_type(deletion.object_name, str)


def s3(driver: S3StorageDriver, container: Container, obj: Object) -> None:
    assert_type(driver.ex_iterate_multipart_uploads(container), Iterator[S3MultipartUpload])
    old = driver.ex_cleanup_multipart_uploads(container, older_than=timedelta(days=7))
    assert_type(old, list[S3MultipartUpload])
    for upload in old:
        print(sum(part.size for part in driver.ex_list_parts(container, upload)))
    copy = driver.ex_copy_object(obj, container, "copy", metadata={"a": "b"}, ex_window=4)
    assert_type(copy, Object)
    assert_type(driver.get_object_cdn_url(obj, ex_expiry=1.5, ex_method="PUT"), str)
    try:
        driver.ex_resume_upload(iter([b""]), container, "name", "id", ex_part_size=5 * 1024**2)
    except PreconditionFailedError as error:
        print(error)
    if driver.capabilities.conditional_writes:
        driver.upload_object("path", container, "name", ex_if_match=obj.hash)
