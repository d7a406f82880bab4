# SPDX-License-Identifier: Apache-2.0
"""The connections, signers and responses that drivers for Amazon-like services build on."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, ClassVar
from unittest import mock

import pytest

from libcloud.common import aws
from libcloud.common.aws import (
    AWSDriver,
    AWSGenericResponse,
    AWSJsonResponse,
    AWSRequestSignerAlgorithmV4,
    AWSTokenConnection,
    SignedAWSConnection,
    UnsignedPayloadSentinel,
)
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.types import ContainerDoesNotExistError
from libcloud.test._loopback import Loopback, reply

WHEN = datetime(2015, 3, 4, tzinfo=timezone.utc)


class _Connection(SignedAWSConnection):
    version = "2013-10-15"
    service_name = "things"


def signed(version: str, server: Loopback | None = None, **kwargs: Any) -> _Connection:
    port = server.port if server else 80
    where = {"host": "127.0.0.1", "port": port, "secure": False, **kwargs}
    connection = _Connection("key", "secret", signature_version=version, **where)
    connection.driver = mock.Mock(region_name="mars-1", name="Test")
    return connection


def signer(connection: _Connection) -> AWSRequestSignerAlgorithmV4:
    found = connection.signer
    assert isinstance(found, AWSRequestSignerAlgorithmV4)
    return found


# Version 4.


def test_a_subclass_may_replace_each_step_of_signing() -> None:
    class Signer(AWSRequestSignerAlgorithmV4):
        def _get_payload_hash(self, method: str, data: Any = None) -> str:
            return "my-hash"

        def _get_credential_scope(self, dt: datetime) -> str:
            return "my-scope"

    own = Signer("key", "secret", "v", signed("4"))
    _, headers = own.get_request_headers({}, {"Host": "h"}, "PUT", "/", b"x")
    assert headers["X-AMZ-Content-SHA256"] == "my-hash"
    assert "Credential=key/my-scope, " in headers["Authorization"]


def test_the_region_is_read_at_each_signing() -> None:
    connection = signed("4")
    connection.driver.region_name = "venus-1"
    _, headers = signer(connection).get_request_headers({}, {"Host": "h"})
    assert "/venus-1/things/aws4_request" in headers["Authorization"]


def test_the_query_of_the_path_is_signed_with_the_parameters() -> None:
    own = signer(signed("4"))

    def canonical(path: str, params: Mapping[str, Any]) -> str:
        return own._get_canonical_request(params, {"Host": "h"}, "POST", path, None)

    assert canonical("/b/k?uploads", {"a": "b c"}) == canonical("/b/k", {"uploads": "", "a": "b c"})
    assert canonical("/b//k/../x?uploads", {}).startswith("POST\n/b//k/../x\nuploads=\nhost:h\n")


@pytest.mark.parametrize(
    ("method", "data", "expected"),
    [
        ("PUT", b"abc", hashlib.sha256(b"abc").hexdigest()),
        ("POST", bytearray(b"abc"), hashlib.sha256(b"abc").hexdigest()),
        ("PUT", memoryview(b"abc"), hashlib.sha256(b"abc").hexdigest()),
        ("PUT", "é", hashlib.sha256("é".encode()).hexdigest()),
        ("PUT", iter([b"abc"]), "UNSIGNED-PAYLOAD"),
        ("PUT", UnsignedPayloadSentinel, "UNSIGNED-PAYLOAD"),
        ("PUT", None, "UNSIGNED-PAYLOAD"),
        ("GET", None, hashlib.sha256(b"").hexdigest()),
    ],
)
def test_a_body_is_hashed_if_it_can_be(method: str, data: Any, expected: str) -> None:
    assert signer(signed("4"))._get_payload_hash(method, data) == expected


def test_requests_of_version_4_carry_the_api_version_and_a_signature() -> None:
    with Loopback(lambda request: reply(200, b"<a/>")) as server:
        connection = signed("4", server, token="t")
        connection.request("/", params={"Action": "Go"})
    request = server.requests[0]
    assert "Version=2013-10-15" in request.target
    assert "x-amz-security-token=t" in request.target
    assert request.headers["x-amz-security-token"] == "t"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")


# Version 2 of the query APIs.


def test_version_2_signs_host_path_and_sorted_query() -> None:
    connection = signed("2", port=8773)
    own: Any = connection.signer
    with mock.patch.object(aws, "_now", return_value=WHEN):
        params = own.get_request_params({"b": "x y", "A": "~*"}, path="/do")
    text = (
        "GET\n127.0.0.1:8773\n/do\n"
        "A=~%2A&AWSAccessKeyId=key&SignatureMethod=HmacSHA256&SignatureVersion=2"
        "&Timestamp=2015-03-04T00%3A00%3A00Z&Version=2013-10-15&b=x%20y"
    )
    digest = hmac.new(b"secret", text.encode(), hashlib.sha256).digest()
    assert params["Signature"] == base64.b64encode(digest).decode()


def test_another_signature_version_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported signature_version: 3"):
        signed("3")


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, 1.5, b"x"])
@pytest.mark.parametrize("kind", [dict, list])
def test_a_parameter_that_is_no_simple_value_is_refused(kind: Any, value: Any) -> None:
    refused = pytest.raises(ValueError, match='attribute "Name" which value')
    with Loopback() as server, refused:
        signed("4", server).request("/", params=kind([("Name", value)]))
    assert server.requests == []


def test_pairs_are_parameters_too() -> None:
    with Loopback(lambda request: reply(200, b"<a/>")) as server:
        AWSTokenConnection("k", "s", False, "127.0.0.1", server.port, token="t").request(
            "/", params=[("a", "1"), ("a", "2")]
        )
    assert server.requests[0].target == "/?a=1&a=2&x-amz-security-token=t"


def test_no_representation_of_a_signer_shows_the_secret() -> None:
    assert "secret" not in repr(signed("4").signer)


# Responses and drivers.


class _Response(AWSGenericResponse):
    xpath = "Errors/Error"
    namespace = "urn:things"
    exceptions: ClassVar[dict[str, type[LibcloudError]]] = {
        "NoSuchThing": ContainerDoesNotExistError
    }


class _ThingConnection(AWSTokenConnection):
    responseCls = _Response


XML = (
    b"<R xmlns='urn:things'><Errors><Error><Code>%s</Code><Message>m</Message></Error></Errors></R>"
)


def ask(status: int, body: bytes, **context: str) -> Any:
    with Loopback(lambda request: reply(status, body)) as server:
        connection = _ThingConnection("k", "s", False, "127.0.0.1", server.port)
        connection.set_context(context)
        return connection.request("/")


def test_a_code_chooses_the_exception_and_the_context_fills_it() -> None:
    with pytest.raises(ContainerDoesNotExistError) as caught:
        ask(404, XML % b"NoSuchThing", container_name="c")
    assert (caught.value.value, caught.value.container_name) == ("m", "c")


@pytest.mark.parametrize("namespace", [b" xmlns='urn:things'", b"", b" xmlns='urn:other'"])
def test_other_codes_are_reported_in_any_namespace(namespace: bytes) -> None:
    with pytest.raises(BaseHTTPError, match="Odd: m"):
        ask(500, (XML % b"Odd").replace(b" xmlns='urn:things'", namespace))


def test_a_403_is_a_matter_of_credentials() -> None:
    with pytest.raises(InvalidCredsError, match="Odd"):
        ask(403, XML % b"Odd")


def test_an_error_that_is_not_xml_is_malformed() -> None:
    with pytest.raises(MalformedResponseError, match="Failed to parse XML"):
        ask(500, b"<html>")


def test_a_json_error_has_type_and_message() -> None:
    class Connection(AWSTokenConnection):
        responseCls = AWSJsonResponse

    body = b'{"__type": "Bad", "message": "m"}'
    with Loopback(lambda request: reply(500, body)) as server:
        connection = Connection("k", "s", False, "127.0.0.1", server.port)
        with pytest.raises(BaseHTTPError, match="Bad: m"):
            connection.request("/")


def test_a_driver_hands_its_token_to_its_connection() -> None:
    class Driver(AWSDriver):
        connectionCls = AWSTokenConnection

    driver = Driver("k", "s", token="t", host="h", timeout=3)
    assert (driver.token, driver.connection.token) == ("t", "t")
    assert (driver.connection.host, driver.connection.timeout) == ("h", 3)
