# SPDX-License-Identifier: Apache-2.0
"""Tokens: TempAuth, Keystone 2 and 3, application credentials, the environment and clouds.yaml."""

from __future__ import annotations

import logging
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest import mock

import pytest
import requests

from libcloud.common.credentials import CredentialsNotFoundError
from libcloud.common.credentials.openstack import Identity, authenticate, discover_openstack
from libcloud.common.credentials.provider import ProfileFileError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import (
    CloudFilesStorageDriver,
    OpenStackSwiftConnection,
    OpenStackSwiftStorageDriver,
)
from libcloud.storage.providers import get_driver
from libcloud.storage.transfer.retry import RetryPolicy
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    Provider,
    UploadOutcomeUnknownError,
)
from libcloud.test.storage.fakes.swift import FakeSwift, Fault
from libcloud.test.storage.fakes.swift_faults import drop, refuse
from libcloud.test.storage.swift.conftest import Connect
from libcloud.utils.redact import redact_text

KEYSTONE = "keystoneauth1 is in the extra swift"


def keystone(fake: FakeSwift, version: str, **rest: Any) -> OpenStackSwiftStorageDriver:
    pytest.importorskip("keystoneauth1", reason=KEYSTONE)
    settings = {"ex_force_auth_url": fake.url, "ex_tenant_name": "p", **rest}
    return OpenStackSwiftStorageDriver(
        fake.user, rest.pop("secret", fake.key), ex_force_auth_version=version, **settings
    )


def test_the_registry_has_both_drivers() -> None:
    assert get_driver(Provider.CLOUDFILES) is CloudFilesStorageDriver
    assert get_driver(Provider.OPENSTACK_SWIFT) is OpenStackSwiftStorageDriver


def test_making_a_driver_sends_nothing(fake: FakeSwift, connect: Connect) -> None:
    connect()
    assert fake.log == []


def test_a_token_is_requested_once(fake: FakeSwift, connect: Connect) -> None:
    driver = connect()
    for _ in range(3):
        driver.list_containers()
    assert fake.count("GET /auth/v1.0") == 1


def test_a_wrong_key_is_reported_with_its_status(fake: FakeSwift, connect: Connect) -> None:
    driver = connect(secret="not the key at all")
    with pytest.raises(InvalidCredsError, match=r"401.*Unauthorized") as caught:
        driver.list_containers()
    assert caught.value.http_code == 401
    assert "not the key" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("version", ["1.0", "2.0_password", "3.x_password"])
@pytest.mark.parametrize("fault", [refuse(503), drop])
@pytest.mark.parametrize("renewed", [False, True])
def test_a_transient_fault_of_the_authentication_is_survived(
    fake: FakeSwift, version: str, fault: Fault, renewed: bool
) -> None:
    driver = keystone(fake, version) if version != "1.0" else fake.connect()
    driver._client.retry_loop.sleep = lambda seconds: None
    step = {"1": "GET /auth/v1.0", "2": "POST /v2.0/tokens", "3": "POST /v3/auth/tokens"}
    if renewed:
        driver.list_containers()
        fake.expire_tokens()
    fake.faults.append((step[version[0]], fault))
    assert driver.list_containers() == []
    assert fake.faults == []


@pytest.mark.parametrize("fault", [refuse(500), refuse(503), drop])
def test_the_outcome_of_an_upload_is_known_without_a_token(fake: FakeSwift, fault: Fault) -> None:
    driver = fake.connect()
    vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=2, base=0.0)
    fake.faults += [("GET /auth/v1.0", fault)] * 10
    with pytest.raises(LibcloudError) as caught:
        driver.upload_object_via_stream(iter([b"abc"]), Container("docs", {}, driver), "a")
    assert not isinstance(caught.value, UploadOutcomeUnknownError)


def test_a_failed_request_for_a_token_has_created_no_container(fake: FakeSwift) -> None:
    driver = fake.connect()
    vars(driver)["ex_retry_policy"] = RetryPolicy(base=0.0)
    fake.containers["mine"] = {}
    fake.faults.append(("GET /auth/v1.0", refuse(500)))
    with pytest.raises(ContainerAlreadyExistsError):
        driver.create_container("mine")


@pytest.mark.parametrize("url", ["http://host:99999/v1", "ftp://host/v1", "nothing"])
def test_an_invalid_storage_url_is_an_error_of_the_library(fake: FakeSwift, url: str) -> None:
    driver = fake.connect()
    vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=1)
    driver.connection._ex_force_base_url = url
    with pytest.raises(MalformedResponseError, match="storage URL"):
        driver.list_containers()


def test_an_account_that_does_not_exist_is_reported(fake: FakeSwift, connect: Connect) -> None:
    fake.tokens.add("token")
    driver = connect(ex_force_base_url=f"{fake.url}/v1/AUTH_other", ex_force_auth_token="token")
    with pytest.raises(LibcloudError, match="404"):
        driver.list_containers()


def test_a_given_token_and_url_need_no_authentication(fake: FakeSwift, connect: Connect) -> None:
    fake.tokens.add("token")
    driver = connect(ex_force_base_url=fake.storage_url, ex_force_auth_token="token")
    assert driver.list_containers() == []
    assert fake.count("GET /auth/v1.0") == 0


def test_a_given_token_that_is_refused_sends_the_key_nowhere(
    fake: FakeSwift, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = OpenStackSwiftStorageDriver(
        fake.user, fake.key, ex_force_base_url=fake.storage_url, ex_force_auth_token="expired"
    )

    def ask() -> NoReturn:
        raise AssertionError("asked for a token")

    monkeypatch.setattr(driver.connection, "_ask", ask)
    with pytest.raises(InvalidCredsError, match="401"):
        driver.list_containers()


@pytest.mark.parametrize("renewed", [False, True])
def test_a_lost_request_for_a_token_is_an_error_of_the_library(
    fake: FakeSwift, renewed: bool
) -> None:
    driver = fake.connect()
    vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=1)
    if renewed:
        driver.list_containers()
        fake.expire_tokens()
    fake.faults.append(("GET /auth/v1.0", drop))
    with pytest.raises(LibcloudError, match="token"):
        driver.list_containers()


@pytest.mark.parametrize("version", ["1.0", "2.0_password", "3.x_password"])
def test_an_identity_service_that_is_not_there_is_reported_with_its_status(
    fake: FakeSwift, version: str
) -> None:
    driver = keystone(fake, version) if version != "1.0" else fake.connect()
    vars(driver)["ex_retry_policy"] = RetryPolicy(attempts=1)
    step = {"1": "GET /auth/v1.0", "2": "POST /v2.0/tokens", "3": "POST /v3/auth/tokens"}
    fake.faults.append((step[version[0]], refuse(404)))
    with pytest.raises(LibcloudError, match="listing the containers") as caught:
        driver.list_containers()
    assert (caught.value.http_code, caught.value.code) == (404, "NotFound")  # type: ignore[attr-defined]  # attached


@pytest.mark.parametrize("path", ["", "/auth", "/auth/v1.0"])
def test_the_version_in_an_auth_url_is_optional(fake: FakeSwift, path: str) -> None:
    driver = OpenStackSwiftStorageDriver(
        fake.user, fake.key, ex_force_auth_url=f"{fake.url}{path}", ex_force_auth_version="1.0"
    )
    if path:
        assert driver.list_containers() == []
    else:
        with pytest.raises(LibcloudError, match="404"):
            driver.list_containers()


@pytest.mark.parametrize("version", ["2.0_password", "3.x_password", "3.x_appcred"])
@pytest.mark.parametrize("path", ["", "/v3", "/v2.0"])
def test_keystone_gives_a_token_and_the_endpoint(fake: FakeSwift, version: str, path: str) -> None:
    if path and path[2] != version[0]:
        path = ""
    driver = keystone(fake, version, ex_force_auth_url=fake.url + path, region="RegionOne")
    driver.create_container("docs")
    fake.expire_tokens()
    assert [found.name for found in driver.list_containers()] == ["docs"]


@pytest.mark.parametrize("version", ["2.0_password", "3.x_password", "3.x_appcred"])
def test_keystone_refuses_a_wrong_password(fake: FakeSwift, version: str) -> None:
    pytest.importorskip("keystoneauth1", reason=KEYSTONE)
    driver = OpenStackSwiftStorageDriver(
        fake.user, "wrong one", ex_force_auth_url=fake.url, ex_force_auth_version=version
    )
    with pytest.raises(InvalidCredsError, match="401") as caught:
        driver.list_containers()
    assert "wrong one" not in str(caught.value)


def test_a_region_that_does_not_exist_is_reported(fake: FakeSwift) -> None:
    driver = keystone(fake, "3.x_password", region="Nowhere")
    with pytest.raises(LibcloudError, match="Could not find specified endpoint"):
        driver.list_containers()


def test_an_unknown_version_and_an_unknown_keyword_are_refused() -> None:
    with pytest.raises(LibcloudError, match="Unsupported Auth Version requested: 9"):
        OpenStackSwiftStorageDriver("u", "k", ex_force_auth_version="9").list_containers()
    with pytest.raises(TypeError, match="ex_tenant"):
        OpenStackSwiftStorageDriver("u", "k", ex_tenant="t")  # type: ignore[call-arg]


def test_secrets_are_in_no_log_and_no_repr(
    fake: FakeSwift, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    driver = connect()
    with caplog.at_level(logging.DEBUG):
        driver.create_container("docs")
    (token,) = fake.tokens
    connection = driver.connection
    shown = caplog.text + repr(driver) + repr(connection.identity) + repr(connection._access)
    assert token not in shown and fake.key not in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"auth": {"passwordCredentials": {"username": "me", "password": "hidden-text"}}}',
        '{"auth": {"RAX-KSKEY:apiKeyCredentials": {"username": "me", "apiKey": "hidden-text"}}}',
        '{"auth": {"identity": {"application_credential": {"id": "1", "secret": "hidden-text"}}}}',
        '{"access": {"token": {"tenant": {"id": "1"}, "id": "hidden-text"}, "user": {"id": "u"}}}',
        "X-Subject-Token: hidden-text",
        "X-Storage-Token: hidden-text",
        "X-Account-Meta-Temp-URL-Key: hidden-text",
        "https://host/v1/a/c/o?temp_url_sig=hidden-text&temp_url_expires=1",
    ],
)
def test_secrets_of_openstack_are_removed_from_texts(text: str) -> None:
    assert "hidden-text" not in redact_text(text)


def test_a_driver_can_be_pickled_after_use(fake: FakeSwift, connect: Connect) -> None:
    driver = connect()
    driver.create_container("docs")
    vars(driver._client.retry_loop).clear()
    del vars(driver)["_swift_client"], vars(driver)["ex_retry_policy"]
    copied = pickle.loads(pickle.dumps(driver))
    assert [found.name for found in copied.list_containers()] == ["docs"]


# The environment and clouds.yaml.


def test_a_driver_by_the_variables_of_the_swift_program(
    fake: FakeSwift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OS_CLOUD", raising=False)
    monkeypatch.delenv("OS_AUTH_URL", raising=False)
    monkeypatch.setenv("ST_AUTH", f"{fake.url}/auth/v1.0")
    monkeypatch.setenv("ST_USER", fake.user)
    monkeypatch.setenv("ST_KEY", fake.key)
    driver = OpenStackSwiftStorageDriver.from_url("swift://docs")
    assert driver.ex_container is not None
    assert driver.create_container(driver.ex_container.name).name == "docs"


def discovered(environ: dict[str, str], cloud: str | None = None) -> dict[str, Any]:
    with mock.patch.dict(os.environ, environ, clear=True):
        return discover_openstack(cloud)


def test_variables_of_openstack_become_keywords() -> None:
    found = discovered(
        {
            "OS_AUTH_URL": "https://id.example/v3",
            "OS_USERNAME": "me",
            "OS_PASSWORD": "secret",
            "OS_PROJECT_NAME": "project",
            "OS_PROJECT_DOMAIN_NAME": "domain",
            "OS_USER_DOMAIN_NAME": "users",
            "OS_REGION_NAME": "north",
            "OS_INTERFACE": "internalURL",
        }
    )
    assert found == {
        "key": "me",
        "secret": "secret",
        "ex_force_auth_url": "https://id.example/v3",
        "ex_force_auth_version": "3.x_password",
        "ex_tenant_name": "project",
        "ex_tenant_domain_name": "domain",
        "ex_domain_name": "users",
        "ex_interface": "internal",
        "region": "north",
    }
    OpenStackSwiftStorageDriver(**found)


def test_an_application_credential_in_the_environment() -> None:
    found = discovered(
        {
            "OS_AUTH_URL": "https://id.example",
            "OS_APPLICATION_CREDENTIAL_ID": "id",
            "OS_APPLICATION_CREDENTIAL_SECRET": "secret",
        }
    )
    assert (found["key"], found["secret"]) == ("id", "secret")
    assert found["ex_force_auth_version"] == "3.x_appcred"


CLOUDS = """
clouds:
  backup:
    region_name: RegionOne
    auth:
      auth_url: {url}/v3
      username: {user}
      project_name: p
"""
SECURE = "clouds: {backup: {auth: {password: testing}}}"


def test_a_cloud_of_clouds_yaml(fake: FakeSwift, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is in the extra swift")
    pytest.importorskip("keystoneauth1", reason=KEYSTONE)
    path = tmp_path / "clouds.yaml"
    path.write_text(CLOUDS.format(url=fake.url, user=f"'{fake.user}'"))
    (tmp_path / "secure.yaml").write_text(SECURE)
    found = discovered({"OS_CLIENT_CONFIG_FILE": str(path)}, "backup")
    driver = OpenStackSwiftStorageDriver(**found)
    assert driver.create_container("docs").name == "docs"
    with pytest.raises(ProfileFileError, match="no cloud other"):
        discovered({"OS_CLIENT_CONFIG_FILE": str(path)}, "other")


def test_a_file_that_is_no_yaml_is_reported_without_its_content(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is in the extra swift")
    path = tmp_path / "clouds.yaml"
    path.write_text("clouds: {backup: {auth: {password: 'my secret }")
    with pytest.raises(ProfileFileError, match="cannot be read") as caught:
        discovered({"OS_CLIENT_CONFIG_FILE": str(path)}, "backup")
    assert "my secret" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"OS_AUTH_URL": "https://id.example"}])
def test_missing_credentials_are_reported(environ: dict[str, str]) -> None:
    with pytest.raises(CredentialsNotFoundError):
        discovered(environ)


@pytest.mark.parametrize(
    "url", ["s3://docs", "swift://a/b", "swift://me:secret@docs", "swift://docs?key=secret"]
)
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        OpenStackSwiftStorageDriver.from_url(url)
    assert "secret" not in str(caught.value)


class _Redirecting:
    """A host of tokens that sends requests elsewhere: a ``conn_class``."""

    def __init__(self, targets: list[str]) -> None:
        self.targets = targets
        self.asked: list[tuple[str, str, Any]] = []

    def __call__(self, host: str, port: int, secure: int, **settings: Any) -> Any:
        scheme = "https" if secure else "http"
        place = f"{scheme}://{host}:{port}"

        def request(method: str, url: str, body: Any, headers: Any) -> None:
            self.asked.append((method, place + url, body))

        return SimpleNamespace(request=request, getresponse=self._response)

    def _response(self) -> Any:
        if not self.targets:
            return SimpleNamespace(status_code=204, headers={})
        return SimpleNamespace(status_code=307, headers={"location": self.targets.pop(0)})


@pytest.mark.parametrize(
    ("url", "target", "follows"),
    [
        ("http://a:8080/v3", "/v3/", True),
        ("http://a/v3", "https://a/v3", True),
        ("https://a/v3", "http://a/v3", False),
        ("http://a:8080/v3", "http://a:8081/v3", False),
        ("https://a/v3", "https://b/v3", False),
    ],
)
def test_a_secret_is_not_sent_to_another_host(url: str, target: str, follows: bool) -> None:
    host = _Redirecting([target])
    connection = OpenStackSwiftConnection("user", "secret")
    vars(connection)["conn_class"] = host
    response = connection._send("POST", url, {}, "secret")
    assert response.status_code == (204 if follows else 307)
    assert [(method, body) for method, _, body in host.asked] == [("POST", "secret")] * (
        2 if follows else 1
    )


@pytest.mark.parametrize("status", [201, 500])
def test_what_keystoneauth1_cannot_read_is_an_error_of_the_library(status: int) -> None:
    pytest.importorskip("keystoneauth1", reason=KEYSTONE)

    def send(*args: Any) -> Any:
        response = requests.Response()
        response.status_code = status
        response._content = b'{"token": {"expires_at": "garbage"}}'
        response.headers["Content-Type"] = "application/json"
        return response

    identity = Identity("http://127.0.0.1:1", "3.x_password", "user", "secret")
    with pytest.raises(LibcloudError, match="gives no token") as caught:
        authenticate(identity, send)
    assert caught.value.__cause__ is not None
    assert "secret" not in str(caught.value)
