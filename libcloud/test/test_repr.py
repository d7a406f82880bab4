# SPDX-License-Identifier: Apache-2.0
"""What drivers, connections and options show of themselves: where they point, and no secret."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import libcloud
from libcloud.common.base import BaseDriver, Connection
from libcloud.common.request import HttpRequest
from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container, StorageDriver
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.s3 import S3EUWestStorageDriver, S3StorageDriver
from libcloud.storage.s3 import copying, headers
from libcloud.storage.s3.names import Place
from libcloud.utils.values import Value

SECRET = "s3cr3t-0f-th3-us3r"


@pytest.mark.parametrize(
    ("driver", "shown"),
    [
        (
            S3StorageDriver("key", SECRET, token=SECRET, region="eu-west-1"),
            "provider=Amazon S3 (eu-west-1), region=eu-west-1, "
            "endpoint=https://s3-eu-west-1.amazonaws.com",
        ),
        (
            S3EUWestStorageDriver("key", SECRET),
            "provider=Amazon S3 (eu-west-1), region=eu-west-1, "
            "endpoint=https://s3-eu-west-1.amazonaws.com",
        ),
        (
            MinIOStorageDriver("key", SECRET, endpoint_url="http://[::1]:9000/prefix"),
            "provider=MinIO Storage Driver, region=us-east-1, endpoint=http://[::1]:9000/prefix",
        ),
        (
            S3StorageDriver("key", SECRET, proxy_url=f"http://me:{SECRET}@proxy:3128"),
            "provider=Amazon S3 (us-east-1), region=us-east-1, endpoint=https://s3.amazonaws.com",
        ),
        (
            GoogleStorageDriver("GOOGkey", SECRET),
            "provider=Google Cloud Storage, endpoint=https://storage.googleapis.com",
        ),
        (DummyStorageDriver("key", SECRET), "provider=Dummy Storage Provider"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_driver_shows_provider_region_and_endpoint(driver: Any, shown: str) -> None:
    assert repr(driver) == f"<{type(driver).__name__}: {shown}>"
    assert SECRET not in repr(getattr(driver, "connection", None))
    assert SECRET not in repr(LibcloudError("text", driver=driver))


def test_a_local_driver_shows_its_directory(tmp_path: Any) -> None:
    driver = LocalStorageDriver(str(tmp_path))
    assert (
        repr(driver) == f"<LocalStorageDriver: provider=Local Storage, endpoint=file://{tmp_path}>"
    )


def test_a_connection_shows_provider_and_endpoint() -> None:
    connection = S3StorageDriver("key", SECRET, host="store.test", port=8443).connection
    assert repr(connection) == (
        "<S3SignatureV4Connection: provider=Amazon S3 (us-east-1), "
        "endpoint=https://store.test:8443>"
    )
    url = f"https://me:{SECRET}@h/path"
    assert repr(Connection(url=url)) == "<Connection: endpoint=https://h/path>"


@pytest.mark.parametrize("kind", [BaseDriver, StorageDriver, S3StorageDriver, Connection])
def test_an_object_without_its_init_can_be_shown(kind: Any) -> None:
    assert repr(kind.__new__(kind)).startswith(f"<{kind.__name__}: ")


def test_values_with_headers_do_not_show_customer_keys() -> None:
    vendor, customer = "x-amz", "server-side-encryption-customer-key"
    sent = {f"{vendor}-{customer}": SECRET, f"{vendor}-copy-source-{customer}": SECRET}
    given = headers.split_headers(sent, vendor)
    assert SECRET in given.of_source.values()
    container = Container("b", {}, DummyStorageDriver("key", SECRET))
    source = copying.Source(Place(container, "k", "/b/k"), 1, {}, sent)
    made = headers.copy_headers(given, {})
    request = HttpRequest("PUT", "/b/k", headers=sent)
    for value in (given, made, source, request):
        assert SECRET not in repr(value)
        assert SECRET not in f"{value}"


# Names of fields that contain a secret, or something whose representation may contain one.
_SECRET_FIELD = re.compile(r"secret|token|password|customer_key|private_key|^credentials$")
_NOT_SECRET = re.compile(r"continuation_token|next_token")


def _values() -> Iterator[tuple[type, list[tuple[str, object]]]]:
    """Every dataclass and named tuple of the library whose representation is generated.

    With the names and types of the fields that it shows.
    """
    modules = pkgutil.walk_packages(libcloud.__path__, "libcloud.")
    names = [found.name for found in modules if not found.name.startswith("libcloud.test")]
    for name in names:
        with suppress(ImportError):  # of an optional dependency
            for kind in vars(importlib.import_module(name)).values():
                if not isinstance(kind, type) or not kind.__module__.startswith("libcloud."):
                    continue
                own: object = kind.__repr__
                is_generated = hasattr(own, "__wrapped__") or own is Value.__repr__
                if dataclasses.is_dataclass(kind) and is_generated:
                    fields = dataclasses.fields(kind)
                    yield kind, [(field.name, field.type) for field in fields if field.repr]
                elif getattr(own, "__module__", "") == "collections":
                    yield kind, [*kind.__annotations__.items()]


def test_no_value_shows_a_field_with_a_secret() -> None:
    shown = {
        f"{kind.__module__}.{kind.__name__}.{name}"
        for kind, fields in _values()
        for name, of_type in fields
        if _SECRET_FIELD.search(name)
        and not _NOT_SECRET.search(name)
        and not str(of_type).startswith(("Credentials", "ForwardRef('Credentials"))
    }
    assert not shown
