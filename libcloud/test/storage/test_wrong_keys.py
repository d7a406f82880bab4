# SPDX-License-Identifier: Apache-2.0
"""A wrong key and an unknown account, at each store: what is reported, and what is published."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import CloudFilesStorageDriver, OpenStackSwiftStorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.oss import OSSStorageDriver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.test._loopback import loopback_names
from libcloud.test.storage import test_backblaze_b2 as backblaze
from libcloud.test.storage import test_oss as oss
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.options import GOOGLE
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.fakes.swift import FakeSwift

GOOGLE_KEY = "GOOG0123456789ABCXYZ"


@dataclass(frozen=True)
class Account:
    """A fake with the container ``docs``.

    :param connect: a driver by key and secret.
    :param body: the bytes of an object in ``docs``.
    :param wrong: a key that is not that of the account, and a secret that is not.
    """

    key: str
    secret: str
    connect: Callable[[str, str], Any]
    body: Callable[[str], bytes]
    wrong: tuple[str, str] = ("nobody", "wrong")


@contextlib.contextmanager
def azure() -> Iterator[Account]:
    with FakeAzure() as fake:
        fake.create_container("docs")
        yield Account(
            fake.key,
            fake.secret,
            lambda key, secret: fake.connect(key=key, secret=secret),
            lambda name: fake.body("docs", name),
            wrong=("", "d3Jvbmc="),  # the host names the account
        )


@contextlib.contextmanager
def swift(kind: type[Any], version: str) -> Iterator[Account]:
    if version != "1.0":
        pytest.importorskip("keystoneauth1", reason="keystoneauth1 is in the extra swift")
    with FakeSwift() as fake:
        url = f"{fake.url}/auth/v1.0" if version == "1.0" else fake.url
        place = {"ex_force_auth_url": url, "ex_force_auth_version": version, "ex_tenant_name": "p"}
        kind(fake.user, fake.key, **place).create_container("docs")
        yield Account(
            fake.user,
            fake.key,
            lambda key, secret: kind(key, secret, **place),
            lambda name: fake.body("docs", name),
        )


def in_s3(fake: FakeS3, connect: Callable[[str, str], Any], **rest: Any) -> Account:
    fake.create_bucket("docs")
    body = lambda name: fake.body("docs", name)  # noqa: E731
    return Account(fake.key, fake.secret, connect, body, **rest)


@contextlib.contextmanager
def aliyun() -> Iterator[Account]:
    with loopback_names("aliyuncs.com"), FakeS3(oss.OPTIONS) as fake:
        kind: Any = OSSStorageDriver
        yield in_s3(fake, lambda *keys: kind(*keys, secure=False, port=fake.port))


@contextlib.contextmanager
def b2() -> Iterator[Account]:
    with (
        loopback_names("backblazeb2.com"),
        FakeS3(backblaze.OPTIONS) as fake,
        backblaze.Account(backblaze.grant()) as account,
    ):
        kind: Any = type(backblaze.driver_of(account))
        yield in_s3(fake, lambda *keys: kind(*keys, secure=False, port=fake.port))


@contextlib.contextmanager
def google(in_parts: bool) -> Iterator[Account]:
    with FakeS3(replace(GOOGLE, key=GOOGLE_KEY)) as fake:
        place: Any = {"secure": False, "host": fake.host, "port": fake.port}
        if in_parts:
            place["ex_multipart_uploads"] = True
        connect = lambda *keys: GoogleStorageDriver(*keys, **place)  # noqa: E731
        yield in_s3(fake, connect, wrong=("GOOG0123456789ABCXXX", "wrong"))


STORES: dict[str, Callable[[], contextlib.AbstractContextManager[Account]]] = {
    "azure": azure,
    "swift-1": lambda: swift(OpenStackSwiftStorageDriver, "1.0"),
    "swift-2": lambda: swift(OpenStackSwiftStorageDriver, "2.0_password"),
    "swift-3": lambda: swift(OpenStackSwiftStorageDriver, "3.x_password"),
    "cloudfiles": lambda: swift(CloudFilesStorageDriver, "1.0"),
    "oss": aliyun,
    "b2": b2,
    "google": lambda: google(in_parts=False),
    "google-in-parts": lambda: google(in_parts=True),
}


@pytest.mark.parametrize("store", STORES)
def test_wrong_credentials_are_reported_and_publish_nothing(store: str) -> None:
    with STORES[store]() as account:

        def container(key: str, secret: str) -> Container:
            driver = account.connect(key, secret)
            vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=2, base=0.0)
            return Container("docs", {}, driver)

        found = container(account.key, account.secret)
        obj = found.upload_object_via_stream(iter([b"old"]), "old")
        other_key, other_secret = account.wrong
        wrong = [(account.key, other_secret)]
        wrong += [(other_key, account.secret)] if other_key else []
        for keys in wrong:
            there = container(*keys)
            for action in (
                lambda c: c.upload_object_via_stream(iter([b"new"]), "old"),
                lambda c: list(c.iterate_objects()),
                lambda c: list(c.download_object_as_stream(obj)),
                lambda c: c.delete_object(obj),
            ):
                with pytest.raises(InvalidCredsError) as caught:
                    action(there)
                error: Any = caught.value
                assert error.status in (401, 403) and error.code
                assert keys[1] not in str(error)
        assert account.body("old") == b"old"
