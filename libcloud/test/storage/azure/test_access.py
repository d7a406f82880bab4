# SPDX-License-Identifier: Apache-2.0
"""How requests to Azure are authorized: clocks, tokens that end or cannot be had, signed copies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.common import azure_storage
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.storage.azure import errors
from libcloud.storage.azure.requests import block_id
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.azure_blobs import AzureBlobsStorageDriver
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.faults import LoseAnswer

DATA = bytes(range(250)) * 10


def upload(driver: AzureBlobsStorageDriver, name: str = "blob") -> Object:
    return Container("box", {}, driver).upload_object_via_stream(
        iter([DATA]), name, ex_part_size=1000
    )


def signature(fake: FakeAzure) -> str:
    """A shared access signature that allows to write the blob, and not to read it."""
    signer = fake.connect()
    url = signer.get_object_cdn_url(signer.get_object("box", "blob"), ex_method="PUT")
    return url.partition("?")[2]


class Tokens:
    """A credential as ``azure-identity`` has them; each token is another one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked = 0

    def get_token(self, scope: str) -> SimpleNamespace:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        return SimpleNamespace(token=f"token{self.asked}", expires_on=int(later.timestamp()))


@pytest.mark.parametrize("hours", [-2, 2])
def test_requests_are_signed_by_the_clock_of_the_store(
    fake: FakeAzure, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr(fake, "clock", lambda: datetime.now(timezone.utc) + timedelta(hours=hours))
    driver = fake.connect()
    assert upload(driver).size == len(DATA)
    assert fake.body("box", "blob") == DATA
    url = driver.get_object_cdn_url(driver.get_object("box", "blob"), ex_expiry=1)
    expected = (fake.clock() + timedelta(hours=1)).strftime("%Y-%m-%dT%H")
    assert expected[:10] in url


def test_a_wrong_key_is_not_mistaken_for_a_wrong_clock(fake: FakeAzure) -> None:
    driver = fake.connect(secret="d3Jvbmc=")
    with pytest.raises(InvalidCredsError, match="AuthenticationFailed"):
        driver.get_container("box")
    assert len(fake.requests) == 1


def test_a_token_that_is_revoked_during_an_upload_is_replaced(fake: FakeAzure) -> None:
    credential = Tokens()
    driver = fake.connect(secret=None, ex_credential=credential)
    fake.tokens.add("token1")

    def pieces() -> Iterator[bytes]:
        yield DATA[:1500]
        fake.tokens.clear()
        fake.tokens.add("token2")
        yield DATA[1500:]

    box = Container("box", {}, driver)
    box.upload_object_via_stream(pieces(), "blob", ex_part_size=1000)
    assert fake.body("box", "blob") == DATA
    assert credential.asked == 2


def test_a_token_that_is_refused_again_and_again_is_an_error(fake: FakeAzure) -> None:
    credential = Tokens()
    with pytest.raises(InvalidCredsError, match="InvalidAuthenticationInfo") as caught:
        fake.connect(secret=None, ex_credential=credential).get_container("box")
    assert caught.value.status == 401  # type: ignore[attr-defined]
    assert credential.asked == 3


def test_an_error_of_the_credential_is_the_cause_and_not_in_the_message(fake: FakeAzure) -> None:
    failure = RuntimeError("AADSTS7000215: Invalid client secret: hunter2")
    driver = fake.connect(secret=None, ex_credential=Tokens(failure))
    with pytest.raises(InvalidCredsError, match="AADSTS7000215") as caught:
        upload(driver)
    assert caught.value.__cause__ is failure
    assert "hunter2" not in str(caught.value)
    assert fake.requests == []


def test_an_object_that_is_no_credential_is_refused(fake: FakeAzure) -> None:
    with pytest.raises(InvalidCredsError, match="gives no token"):
        fake.connect(secret=None, ex_credential=object()).get_container("box")


class _Login:
    """The host of tokens: its responses, in order; the last one is repeated."""

    def __init__(self, *responses: tuple[int, Any]) -> None:
        self.responses = list(responses)
        self.asked = 0
        self.host = ""

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.host = options["host"]
        return self

    def connect(self) -> None:
        """Nothing."""

    def request(self, *args: Any, **options: Any) -> SimpleNamespace:
        self.asked += 1
        found = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        return SimpleNamespace(status=found[0], object=found[1])


def _application(fake: FakeAzure, **options: Any) -> AzureBlobsStorageDriver:
    return fake.connect(
        secret="of the application",
        tenant_id="t",
        identity="i",
        auth_type="azureAD",
        **options,
    )


@pytest.mark.parametrize("url", ["https://login.example/", "login.example"])
def test_a_cloud_environment_may_be_described(
    fake: FakeAzure, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    fake.tokens.add("good")
    login = _Login((200, {"access_token": "good", "expires_in": "3600"}))
    monkeypatch.setattr(azure_storage, "_TokenConnection", login)
    driver = _application(fake, cloud_environment={"activeDirectoryEndpointUrl": url})
    assert driver.get_container("box").name == "box"
    assert login.host == "login.example"


def test_an_unknown_cloud_environment_is_a_key_error(fake: FakeAzure) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        _application(fake, cloud_environment="nowhere")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_request_with_a_transient_failure_is_retried(
    fake: FakeAzure, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    fake.tokens.add("good")
    login = _Login((status, ""), (200, {"access_token": "good", "expires_in": "3600"}))
    monkeypatch.setattr(azure_storage, "_TokenConnection", login)
    assert _application(fake).get_container("box").name == "box"
    assert login.asked == 2


@pytest.mark.parametrize(
    "document", ["<html>", [], {}, {"access_token": ""}, {"access_token": "x", "expires_in": "y"}]
)
def test_a_response_without_a_token_is_an_error(
    fake: FakeAzure, monkeypatch: pytest.MonkeyPatch, document: Any
) -> None:
    login = _Login((200, document))
    monkeypatch.setattr(azure_storage, "_TokenConnection", login)
    with pytest.raises(LibcloudError, match="box: Entra ID returned no token: status 200"):
        _application(fake).get_container("box")
    assert login.asked == 1


def test_a_copy_carries_the_signature_that_lets_the_store_read_the_source(
    fake: FakeAzure,
) -> None:
    upload(fake.connect())
    driver = fake.connect(secret=None, ex_sas_token=signature(fake))
    source = Object("blob", 1, "", {}, {}, Container("box", {}, driver), driver)
    with pytest.raises(LibcloudError) as caught:  # the signature is that of another blob
        driver.ex_copy_object(source, source.container, "copy")
    sent = fake.requests[-1].headers["x-ms-copy-source"]
    assert "sig=" in sent
    assert sent.partition("sig=")[2].partition("&")[0] not in str(caught.value)


def test_uncommitted_blocks_of_another_upload_do_not_matter(fake: FakeAzure) -> None:
    driver = fake.connect()
    box = Container("box", {}, driver)
    params = {"comp": "block", "blockid": block_id("0" * 32, 1)}
    driver.connection.request("/box/blob", params=params, method="PUT", data=b"x")
    session = driver.ex_begin_upload(box, "blob", ex_part_size=1000)
    receipt = session.upload_part(1, DATA)
    assert session.complete([receipt]).size == len(DATA)
    assert fake.body("box", "blob") == DATA


def test_blocks_of_another_program_are_named_as_the_obstacle(fake: FakeAzure) -> None:
    driver = fake.connect()
    params = {"comp": "block", "blockid": "AAAA"}
    driver.connection.request("/box/blob", params=params, method="PUT", data=b"x")
    with pytest.raises(LibcloudError, match="ids have another length"):
        upload(driver)


def test_an_unknown_outcome_is_reported_if_the_signature_does_not_allow_head(
    fake: FakeAzure,
) -> None:
    upload(fake.connect())
    driver = fake.connect(secret=None, ex_sas_token=signature(fake))
    fake.faults.add("PutBlockList", LoseAnswer())
    with pytest.raises(UploadOutcomeUnknownError):
        upload(driver)
    assert fake.body("box", "blob") == DATA


def test_a_source_that_must_not_be_read_is_not_called_missing() -> None:
    detail = errors.error_detail(403, {"x-ms-error-code": "CannotVerifyCopySource"})
    error = errors.error_for(detail, "copying", None, "box", "blob")
    assert type(error) is InvalidCredsError


@pytest.mark.parametrize(
    "kind", [azure_storage.AzureBlobsConnection, azure_storage._TokenConnection]
)
def test_data_and_secrets_do_not_follow_a_redirect(kind: Any) -> None:
    connection = kind("user", "c2VjcmV0", host="127.0.0.1")
    connection.connect()
    assert connection.connection.follow_redirects is False
