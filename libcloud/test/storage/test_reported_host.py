# SPDX-License-Identifier: Apache-2.0
"""``connectionCls.host`` reports the host of a driver, and no connection uses it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from libcloud.storage.drivers.digitalocean_spaces import DOSpacesConnectionAWS2
from libcloud.storage.drivers.minio import MinIOConnectionAWS4, MinIOStorageDriver
from libcloud.storage.drivers.ovh import OvhStorageDriver
from libcloud.storage.drivers.rgw import S3RGWConnectionAWS2, S3RGWConnectionAWS4
from libcloud.storage.drivers.s3 import S3SignatureV4Connection, S3StorageDriver
from libcloud.storage.drivers.scaleway import ScalewayStorageDriver

SHARED = (
    S3SignatureV4Connection,
    MinIOConnectionAWS4,
    S3RGWConnectionAWS2,
    S3RGWConnectionAWS4,
    DOSpacesConnectionAWS2,
)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Undo what the drivers that a test creates write to the classes."""
    before = {kind: vars(kind).get("host") for kind in SHARED}
    yield
    for kind, host in before.items():
        if host is not None:
            kind.host = host
        elif "host" in vars(kind):
            del kind.host


def test_the_class_reports_the_host_of_the_last_driver() -> None:
    OvhStorageDriver("key", "secret")
    assert S3SignatureV4Connection.host == "s3.sbg.perf.cloud.ovh.net"
    ScalewayStorageDriver("key", "secret")
    assert S3SignatureV4Connection.host == "s3.fr-par.scw.cloud"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: value])
def test_a_connection_without_a_host_uses_that_of_its_class(copied: Any) -> None:
    OvhStorageDriver("key", "secret")
    ScalewayStorageDriver("key", "secret")
    connection = copied(S3SignatureV4Connection("key", "secret"))
    assert connection.host == "s3.amazonaws.com"
    assert type(connection.host) is str
    assert S3StorageDriver("key", "secret").connection.host == "s3.amazonaws.com"


def test_a_later_driver_does_not_change_an_earlier_connection() -> None:
    connection = S3SignatureV4Connection("key", "secret")
    OvhStorageDriver("key", "secret")
    assert connection.host == "s3.amazonaws.com"


def test_a_host_that_a_subclass_declares_is_used() -> None:
    class Mine(S3SignatureV4Connection):
        host = "mine.example.org"

    OvhStorageDriver("key", "secret")
    assert Mine("key", "secret").host == "mine.example.org"


def test_a_host_that_the_caller_sets_on_the_class_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MinIOConnectionAWS4, "host", "mine.example.org")
    MinIOStorageDriver("key", "secret", host="one.example.org")
    assert MinIOConnectionAWS4.host == "one.example.org"
    assert MinIOConnectionAWS4("key", "secret").host == "mine.example.org"


def test_a_reported_host_can_be_pickled() -> None:
    MinIOStorageDriver("key", "secret", host="one.example.org")
    reported = pickle.loads(pickle.dumps(MinIOConnectionAWS4.host))
    assert reported == "one.example.org"
