# SPDX-License-Identifier: Apache-2.0
"""The driver for Backblaze B2: it asks for the account's S3 endpoint once, and uses that."""

from __future__ import annotations

import contextlib
import json
import pickle
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from libcloud.common.credentials import Credentials
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers import backblaze_b2
from libcloud.storage.drivers.backblaze_b2 import (
    BackblazeB2AuthConnection,
    BackblazeB2Connection,
    BackblazeB2StorageDriver,
)
from libcloud.storage.providers import get_driver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import Provider
from libcloud.test._helpers import run_in_threads
from libcloud.test._loopback import Loopback, Received, loopback_names, reply
from libcloud.test.storage.fakes.options import MIB, Options
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.s3_servers import round_trip

HOST = "s3.eu-central-003.backblazeb2.com"
OPTIONS = Options(region="eu-central-003", names={HOST: "eu-central-003"}, checksums=())


def grant(url: str = f"https://{HOST}") -> bytes:
    """The response to b2_authorize_account, version 3."""
    info = {"storageApi": {"s3ApiUrl": url, "apiUrl": "https://api003.backblazeb2.com"}}
    return reply(200, json.dumps({"accountId": "a", "apiInfo": info}).encode())


class Account(Loopback):
    """The service that authorizes; ``answers`` are sent one after another, the last one again."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        super().__init__(self._next)

    def _next(self, request: Received) -> bytes | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def driver_of(account: Loopback, **keywords: Any) -> BackblazeB2StorageDriver:
    """A driver that asks ``account`` for its endpoint, without waiting between attempts."""

    class Authorization(BackblazeB2AuthConnection):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, secure=False, host="127.0.0.1", port=account.port, **settings)

    class Connection(BackblazeB2Connection):
        authCls = Authorization

    class Driver(BackblazeB2StorageDriver):
        connectionCls = Connection
        ex_retry_policy = RetryPolicy(3, base=0.0)

    return Driver("key-id", "application-key", **{"secure": False, **keywords})


@contextlib.contextmanager
def store(*answers: bytes | None) -> Iterator[tuple[Loopback, FakeS3, Callable[..., Any]]]:
    """The service, the store, and a function that makes drivers for both."""
    options = replace(OPTIONS, key="key-id", secret="application-key")
    with (
        loopback_names("backblazeb2.com"),
        Account(*answers or (grant(),)) as account,
        FakeS3(options) as server,
    ):

        def make(**keywords: Any) -> Any:
            return driver_of(account, **{"port": server.port, **keywords})

        yield account, server, make


def test_the_registry_has_the_driver() -> None:
    assert get_driver(Provider.BACKBLAZE_B2) is BackblazeB2StorageDriver


@pytest.mark.slow
def test_all_requests_go_to_the_endpoint_of_the_account() -> None:
    with store() as (account, server, make):
        round_trip(make(), server)

        assert {dict(entry.headers)["host"] for entry in server.requests} == {
            f"{HOST}:{server.port}"
        }
    assert [request.target for request in account.requests] == ["/b2api/v3/b2_authorize_account"]
    expected = b64encode(b"key-id:application-key").decode()
    assert account.last.headers["authorization"] == f"Basic {expected}"


def test_nothing_is_sent_before_the_first_request() -> None:
    with store() as (account, _, make):
        driver = make()
        assert driver.capabilities.multipart
        assert account.requests == []


def test_threads_that_start_together_authorize_once() -> None:
    with store() as (account, server, make):
        server.create_bucket("bucket")
        driver = make()
        run_in_threads(lambda number: driver.get_container("bucket"))

    assert len(account.requests) == 1


def test_a_bucket_can_be_part_of_the_host() -> None:
    with store() as (_, server, make):
        server.create_bucket("bucket")
        make(ex_addressing_style="virtual").get_container("bucket")

        assert dict(server.requests[-1].headers)["host"] == f"bucket.{HOST}:{server.port}"


def test_a_presigned_url_has_the_host_of_the_account() -> None:
    with store() as (_, server, make):
        driver = make()
        server.create_bucket("bucket")
        stored = driver.upload_object_via_stream(
            iter([b"abc"]), driver.get_container("bucket"), "a"
        )
        url = driver.get_object_cdn_url(stored)

    assert url.startswith(f"http://{HOST}:{server.port}/bucket/a?")
    assert "eu-central-003" in url


@pytest.mark.parametrize("place", [{"region": "eu-central-003"}, {"host": HOST}])
def test_a_known_endpoint_is_not_requested(place: dict[str, str]) -> None:
    with store() as (account, server, make):
        server.create_bucket("bucket")
        make(**place).get_container("bucket")

    assert account.requests == []


def test_the_response_of_the_second_version_is_understood() -> None:
    with store(reply(200, json.dumps({"s3ApiUrl": f"https://{HOST}"}).encode())) as (
        _,
        server,
        make,
    ):
        server.create_bucket("bucket")
        assert make().get_container("bucket").name == "bucket"


@pytest.mark.parametrize("first", [None, reply(503), reply(429)])
def test_a_transient_failure_of_the_authorization_is_retried(first: bytes | None) -> None:
    with store(first, grant()) as (account, server, make):
        server.create_bucket("bucket")
        driver = make()
        driver.upload_object_via_stream(iter([b"abc"]), driver.get_container("bucket"), "a")

        assert server.body("bucket", "a") == b"abc"
    assert len(account.requests) == 2


def test_a_wrong_key_is_an_error_that_does_not_show_it() -> None:
    refusal = {"code": "bad_auth_token", "message": "application-key", "status": 401}
    with store(reply(401, json.dumps(refusal).encode())) as (account, server, make):
        with pytest.raises(InvalidCredsError, match=r"401.*bad_auth_token") as caught:
            make().get_container("bucket")

        assert server.requests == []
    assert "application-key" not in f"{caught.value!r}{caught.value}"
    assert len(account.requests) == 1


@pytest.mark.parametrize(
    "answer", [reply(200, b"<html>"), reply(200, b"[]"), reply(200, b"{}"), grant("x")]
)
def test_a_response_without_an_endpoint_is_an_error(answer: bytes) -> None:
    with store(answer) as (_, server, make):
        with pytest.raises(MalformedResponseError, match="Backblaze B2"):
            make().get_container("bucket")

        assert server.requests == []


def test_an_endpoint_of_another_company_gets_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with store(grant("https://s3.evil.example")) as (_, server, make):
        monkeypatch.setattr(backblaze_b2, "AUTH_API_HOST", "127.0.0.1")
        with pytest.raises(MalformedResponseError, match="not a host of Backblaze"):
            make().get_container("bucket")

        assert server.requests == []


def test_credentials_that_expire_authorize_the_account() -> None:
    with store() as (account, server, make):
        server.create_bucket("bucket")
        driver_type = type(make())
        driver = driver_type(
            secure=False,
            port=server.port,
            ex_credentials=lambda: Credentials("key-id", "application-key"),
        )
        driver.get_container("bucket")

    expected = b64encode(b"key-id:application-key").decode()
    assert account.last.headers["authorization"] == f"Basic {expected}"


def test_a_driver_can_be_pickled() -> None:
    driver = BackblazeB2StorageDriver("key-id", "application-key")
    again = pickle.loads(pickle.dumps(driver))
    assert again.connection.addressing is not driver.connection.addressing
    assert again.connection.host == "api.backblazeb2.com"


def test_accounts_with_different_endpoints_are_different_stores() -> None:
    with (
        store() as (_, server, make),
        Account(grant("https://s3.us-west-002.backblazeb2.com")) as b,
    ):
        server.create_bucket("bucket")
        driver, other = make(), driver_of(b, port=server.port)
        stored = driver.upload_object_via_stream(
            iter([b"abc"]), driver.get_container("bucket"), "a"
        )
        with pytest.raises((LibcloudError, ValueError), match="another store"):
            other.ex_copy_object(stored, driver.get_container("bucket"), "b")


def test_parts_are_as_small_as_five_million_bytes() -> None:
    limits = BackblazeB2StorageDriver("key", "secret").capabilities.limits
    assert limits.min_part_size == 5_000_000 < 5 * MIB


def test_a_host_determines_the_region_that_requests_are_signed_for() -> None:
    driver = BackblazeB2StorageDriver("key", "secret", host="s3.eu-central-003.backblazeb2.com")
    assert driver.region_name == "eu-central-003"


def test_a_host_of_accounts_that_is_none_is_not_called_a_missing_container() -> None:
    with store(reply(404, b"<html>")) as (_, server, driver):
        server.create_bucket("bucket")
        box = Container("bucket", {}, driver())
        with pytest.raises(LibcloudError, match="authorizing the account") as caught:
            box.upload_object_via_stream(iter([b"data"]), "object")
    assert type(caught.value) is LibcloudError
    assert caught.value.status == 404  # type: ignore[attr-defined]
