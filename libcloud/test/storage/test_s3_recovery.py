# SPDX-License-Identifier: Apache-2.0
"""Recovery of an S3 client from requests that were refused because of clock or credentials."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, cast
from urllib.request import urlopen

import pytest

from libcloud.common.credentials import Credentials, CredentialsNotFoundError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver, S3StorageDriver
from libcloud.storage.drivers.scaleway import ScalewayStorageDriver
from libcloud.storage.s3.requests import head, put_object
from libcloud.storage.types import ContainerDoesNotExistError
from libcloud.test._helpers import run_in_threads
from libcloud.test.storage.fakes.faults import Status
from libcloud.test.storage.fakes.options import AMAZON, SIGV2, Options
from libcloud.test.storage.s3_servers import BUCKET, Store, store

VERSIONS = {"4": AMAZON, "2": SIGV2}


def at(hours: float, version: str = "4") -> Options:
    """A server whose clock is ahead by ``hours``."""

    def clock() -> datetime:
        return datetime.now(timezone.utc) + timedelta(hours=hours)

    return replace(VERSIONS[version], clock=clock)


def codes(there: Store) -> list[str]:
    """Return the error codes of refused requests, in order."""
    return [entry.code for entry in there.server.requests if entry.code]


# The clock.


@pytest.mark.parametrize(("version", "hours"), [("4", 2), ("4", -2), ("2", 2), ("2", -2)])
def test_clock_skew_is_corrected_after_the_first_refusal(version: str, hours: float) -> None:
    with store(at(hours, version), version=version) as there:
        data = there.in_parts(4)
        assert there.body() == data
        there.driver.upload_object_via_stream(iter([b"x"]), there.container, "small")
    offset = there.driver.connection.clock_offset
    assert abs(offset - timedelta(hours=hours)) < timedelta(minutes=1)
    assert codes(there) == ["RequestTimeTooSkewed"]


def test_clock_skew_is_detected_in_the_response_to_head_which_has_no_code() -> None:
    with store(at(2)) as there:
        assert there.driver.get_container(BUCKET).name == BUCKET
        assert len(there.server.requests) == 2


def test_requests_of_threads_that_are_refused_together_are_repeated_once() -> None:
    with store(at(2)) as there:
        run_in_threads(lambda number: there.driver.get_container(BUCKET))
        assert len(there.server.requests) <= 16


def test_a_refused_request_is_not_repeated_if_the_clock_is_right() -> None:
    with store() as there:
        there.server.faults.add("HeadBucket", Status(403), times=None)
        with pytest.raises(InvalidCredsError):
            there.driver._client.send_once(head(f"/{BUCKET}"), "Error")
        assert there.server.count("HeadBucket") == 1


def test_a_request_that_is_refused_with_the_corrected_clock_is_an_error() -> None:
    with store(at(2)) as there:
        refused = Status(403, "RequestTimeTooSkewed")
        there.server.faults.add("ListObjects", refused, times=None)
        there.server.faults.add("ListObjectsV2", refused, times=None)
        policy = replace(there.driver.ex_retry_policy, attempts=1)
        type(there.driver).ex_retry_policy = policy
        with pytest.raises(LibcloudError, match="RequestTimeTooSkewed"):
            there.driver.list_container_objects(there.container)
        assert len(there.server.requests) == 2


def test_a_file_is_sent_again_from_its_former_position() -> None:
    with store(replace(at(2), unsigned_payload=True)) as there:
        file = io.BytesIO(b"head and body")
        file.seek(9)
        request = put_object(
            f"/{BUCKET}/object", headers={"Content-Length": "4"}, body=cast("Any", file)
        )
        there.driver._client.send_once(request, "Error", raw=True)
        assert there.body() == b"body"


def test_a_body_that_cannot_be_rewound_is_not_sent_again() -> None:
    with store(at(2)) as there:
        headers = {"Content-Length": "4"}

        def send() -> Any:
            body: Iterator[bytes] = iter([b"body"])
            request = put_object(f"/{BUCKET}/object", headers=headers, body=cast("Any", body))
            there.driver._client.send_once(request, "Error", raw=True)

        with pytest.raises(InvalidCredsError, match="RequestTimeTooSkewed"):
            send()
        assert there.server.count("PutObject") == 1


def test_presigned_urls_use_the_clock_of_the_store() -> None:
    with store(at(-2)) as there:
        there.driver.upload_object_via_stream(iter([b"body"]), there.container, "object")
        obj = there.driver.get_object(BUCKET, "object")
        with urlopen(there.driver.get_object_cdn_url(obj), timeout=30) as answer:
            assert answer.read() == b"body"


def test_clock_skew_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with store(at(2)) as there, caplog.at_level(logging.WARNING):
        there.driver.get_container(BUCKET)
        there.driver.get_container(BUCKET)
    lines = [record.getMessage() for record in caplog.records if "clocks" in record.getMessage()]
    assert len(lines) == 1
    assert "7200 seconds" in lines[0] or "7199 seconds" in lines[0]


# Credentials.


class Issuer:
    """Issues credentials that the server accepts until the next ones are issued."""

    def __init__(self) -> None:
        self.asked = 0
        self.there: Store | None = None
        self.made: list[Credentials] = []
        self.rotate()

    def rotate(self) -> None:
        """Issue new credentials, which replace the former ones."""
        number = len(self.made)
        self.made.append(Credentials(f"AKIA{number}", f"s3cr3t{number}", f"t0ken{number}"))
        if self.there is not None:
            self.accept(self.made[-1])

    def accept(self, valid: Credentials) -> None:
        """Let the server accept these credentials only."""
        assert self.there is not None
        self.there.server.options = replace(
            self.there.server.options,
            key=valid.key,
            secret=valid.secret,
            session_token=valid.token,
        )

    def __call__(self) -> Credentials:
        self.asked += 1
        return self.made[-1]


@pytest.fixture(params=["4", "2"])
def issued(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Issuer]]:
    """A store whose driver gets its credentials from an issuer."""
    issuer = Issuer()
    with store(VERSIONS[request.param], version=request.param, ex_credentials=issuer) as there:
        issuer.there = there
        issuer.accept(issuer.made[-1])
        yield there, issuer


def test_credentials_come_from_the_provider(issued: tuple[Store, Issuer]) -> None:
    there, issuer = issued
    data = there.in_parts(3)
    assert there.body() == data
    assert issuer.asked == 1
    assert not codes(there)


def test_credentials_that_expire_during_an_upload_are_replaced(
    issued: tuple[Store, Issuer],
) -> None:
    there, issuer = issued
    pieces = [b"a" * 1000, b"b" * 1000, b"c" * 1000, b"d" * 1000]

    def source() -> Iterator[bytes]:
        yield pieces[0]
        yield pieces[1]
        issuer.rotate()
        yield from pieces[2:]

    there.stream(source(), ex_window=1)  # the third part is read after the first is sent
    assert there.body() == b"".join(pieces)
    assert issuer.asked == 2
    assert not there.server.unfinished_uploads()


def test_requests_that_are_refused_together_fetch_credentials_once(
    issued: tuple[Store, Issuer],
) -> None:
    there, issuer = issued
    there.driver.list_container_objects(there.container)
    issuer.rotate()
    run_in_threads(lambda number: there.driver.list_container_objects(there.container))
    assert issuer.asked == 2


def test_a_head_that_is_refused_without_a_code_fetches_credentials_once(
    issued: tuple[Store, Issuer],
) -> None:
    there, issuer = issued
    there.driver.get_container(BUCKET)
    issuer.rotate()
    assert there.driver.get_container(BUCKET).name == BUCKET
    assert issuer.asked == 2


@pytest.mark.parametrize("status", [400, 403])
def test_expired_credentials_without_a_replacement_are_an_error(
    issued: tuple[Store, Issuer], status: int
) -> None:
    there, issuer = issued
    there.server.faults.add("ListObjects", Status(status, "ExpiredToken"), times=None)
    there.server.faults.add("ListObjectsV2", Status(status, "ExpiredToken"), times=None)
    with pytest.raises(LibcloudError, match="ExpiredToken"):
        there.driver.list_container_objects(there.container)
    assert issuer.asked == 2
    assert len(there.server.requests) == 1


def test_access_denied_does_not_fetch_credentials(issued: tuple[Store, Issuer]) -> None:
    there, issuer = issued
    there.server.faults.add("*", Status(403, "AccessDenied"), times=None)
    for _ in range(3):
        with pytest.raises(InvalidCredsError):
            there.driver.list_container_objects(there.container)
    assert issuer.asked == 1


def test_an_error_of_the_provider_propagates() -> None:
    def broken() -> Credentials:
        raise LookupError("no credentials today")

    with store(ex_credentials=broken) as there:
        with pytest.raises(LookupError, match="today"):
            there.driver.get_container(BUCKET)
        assert not there.server.requests


def test_presigned_urls_use_the_credentials_of_the_provider() -> None:
    issuer = Issuer()
    with store(ex_credentials=issuer) as there:
        issuer.there = there
        issuer.accept(issuer.made[-1])
        there.driver.upload_object_via_stream(iter([b"body"]), there.container, "object")
        obj = there.driver.get_object(BUCKET, "object")
        with urlopen(there.driver.get_object_cdn_url(obj), timeout=30) as answer:
            assert answer.read() == b"body"


@pytest.mark.parametrize(
    "make",
    [
        lambda ask: S3StorageDriver(ex_credentials=ask),
        lambda ask: MinIOStorageDriver(host="h", ex_credentials=ask),
        lambda ask: S3StorageDriver(None, None, ex_credentials=ask),
    ],
)
def test_no_key_is_required_with_a_provider(make: Any) -> None:
    issuer = Issuer()
    connection = make(issuer).connection
    assert issuer.asked == 0
    assert (connection.user_id, connection.key, connection.token) == ("AKIA0", "s3cr3t0", "t0ken0")


@pytest.mark.parametrize("kind", [S3StorageDriver, S3RGWStorageDriver])
@pytest.mark.parametrize("pair", [(None, None), ("key", None), (None, "secret")])
def test_missing_credentials_are_an_error_of_the_first_request(
    pair: tuple[str | None, str | None], kind: type[BaseS3StorageDriver]
) -> None:
    driver = kind(*pair, secure=False, host="127.0.0.1", port=1)
    container = Container(BUCKET, {}, driver)
    with pytest.raises(CredentialsNotFoundError, match="pass key and secret"):
        driver.list_containers()
    with pytest.raises(CredentialsNotFoundError, match="pass key and secret"):
        container.upload_object_via_stream(iter([b"x"]), "key")


@pytest.mark.parametrize("key", [None, "key"])
def test_the_host_is_the_same_without_a_secret(key: str | None) -> None:
    driver = ScalewayStorageDriver(key, None, region="nl-ams")
    assert driver.connection.host == "s3.nl-ams.scw.cloud"
    with pytest.raises(CredentialsNotFoundError, match="pass key and secret"):
        driver.list_containers()
    driver.connection.connect()
    assert driver.connection.connection.host == "https://s3.nl-ams.scw.cloud"


def test_no_url_is_signed_without_credentials() -> None:
    driver = S3StorageDriver(None, None)
    obj = Object("key", 1, "", {}, {}, Container(BUCKET, {}, driver), driver)
    with pytest.raises(CredentialsNotFoundError, match="pass key and secret"):
        driver.get_object_cdn_url(obj)


def test_fixed_credentials_can_be_changed() -> None:
    connection = S3StorageDriver("key", "secret", token="token").connection
    assert (connection.user_id, connection.key, connection.token) == ("key", "secret", "token")
    connection.token = "other"
    assert connection.token == "other"


def test_a_foreign_connection_class_has_fixed_credentials() -> None:
    class Foreign:
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def connect(self) -> None: ...

    class Driver(S3StorageDriver):
        connectionCls = Foreign

    with pytest.raises(TypeError, match="Foreign has fixed credentials"):
        Driver(ex_credentials=Issuer())


def test_a_missing_bucket_does_not_fetch_credentials(issued: tuple[Store, Issuer]) -> None:
    there, issuer = issued
    with pytest.raises(ContainerDoesNotExistError):
        there.driver.get_container("absent")
    assert issuer.asked == 1


def test_the_total_timeout_is_passed_to_the_connection() -> None:
    connection = S3StorageDriver("key", "secret", ex_total_timeout=900).connection
    assert (connection.total_timeout, connection.connection.total_timeout) == (900, 900)
