# SPDX-License-Identifier: Apache-2.0
"""TLS: the target is as exact as without, and a refused certificate is no passing failure."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import requests
import urllib3
import urllib3.connection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util.ssl_match_hostname import CertificateError

from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection, is_transient
from libcloud.http.errors import never_sent
from libcloud.test._loopback import Loopback, reply

# Both ways of sending must do the same, and close what they open.
pytestmark = [
    pytest.mark.usefixtures("http_path"),
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]


def self_signed(directory: Path) -> Path:
    """A file with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "loopback.pem"
    path.write_bytes(certificate.public_bytes(pem) + secret)
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: Path) -> Iterator[Loopback]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Loopback(tls=context) as running:
        yield running


@pytest.mark.parametrize("target", ["/b/a//b/../c?x=//&y", "//leading", "/%2e%2e/%7e", "/k?"])
def test_a_target_arrives_as_it_is_given(server: Loopback, certificate: Path, target: str) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True, ca_cert=str(certificate))
    for send in (connection.request, connection.prepared_request):
        send("PUT", target, body=memoryview(b"x" * 100_000))
        assert server.last.target == target
        assert server.last.body == b"x" * 100_000


def test_a_certificate_that_is_not_trusted_is_refused_for_good(server: Loopback) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True)
    with pytest.raises(requests.exceptions.SSLError) as caught:
        connection.request("GET", "/x")
    assert not is_transient(caught.value)
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused_for_good(
    server: Loopback, certificate: Path
) -> None:
    connection = LibcloudConnection("localhost", server.port, secure=True, ca_cert=str(certificate))
    with pytest.raises(requests.exceptions.SSLError, match=r"[Hh]ostname") as caught:
        connection.request("GET", "/x")
    assert not is_transient(caught.value)
    assert server.requests == []


@pytest.fixture
def closing(certificate: Path) -> Iterator[Loopback]:
    """A server that closes each connection after one answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = reply(headers={"Connection": "close"})
    with Loopback(lambda request: answer, tls=context) as running:
        yield running


def test_the_trusted_certificates_are_read_once_for_all_connections(
    closing: Loopback, certificate: Path
) -> None:
    connection = LibcloudConnection(
        "127.0.0.1", closing.port, secure=True, ca_cert=str(certificate)
    )
    with mock.patch("ssl.create_default_context", side_effect=ssl.create_default_context) as made:
        for _ in range(3):
            connection.request("GET", "/x")

    assert closing.connections == 3
    assert made.call_count <= 1  # none if the other way of sending has loaded them


def test_a_file_of_trusted_certificates_that_was_replaced_is_read_again(
    closing: Loopback, certificate: Path, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificate.read_bytes())
    connection = LibcloudConnection("127.0.0.1", closing.port, secure=True, ca_cert=str(trusted))
    connection.request("GET", "/x")

    trusted.write_bytes(self_signed(tmp_path).read_bytes() + b"# of another length\n")
    with pytest.raises(requests.exceptions.SSLError):
        connection.request("GET", "/x")


def test_the_file_of_trusted_certificates_is_needed_to_connect_only(
    server: Loopback, certificate: Path, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificate.read_bytes())
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True, ca_cert=str(trusted))
    connection.fast_path = True
    connection.request("GET", "/x")
    trusted.unlink()
    connection.request("GET", "/y")
    assert [request.target for request in server.requests] == ["/x", "/y"]

    connection._pools.close()
    with pytest.raises(LibcloudError, match=r"trusted\.pem does not exist: see ex_ca_bundle"):
        connection.request("GET", "/z")


def test_a_file_of_certificates_that_appears_later_is_used(
    server: Loopback, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = tmp_path / "trusted.pem"
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True, ca_cert=str(trusted))
    connection.fast_path = True
    with pytest.raises(LibcloudError, match="does not exist"):
        connection.request("GET", "/x")
    trusted.write_bytes(certificate.read_bytes())
    monkeypatch.setattr(connection, "session", None)  # of requests
    connection.request("GET", "/y")
    assert [request.target for request in server.requests] == ["/y"]


def test_unverified_connections_share_no_tls_context(server: Loopback) -> None:
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True)
    connection.verify, connection.ca_cert = False, None
    with pytest.warns(urllib3.exceptions.InsecureRequestWarning):
        connection.request("GET", "/x")

    assert connection.status == 200


def test_a_server_that_is_silent_in_the_handshake_is_a_read_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        connection = LibcloudConnection("127.0.0.1", port, secure=True, timeout=0.05)
        with pytest.raises(requests.ReadTimeout) as caught:
            connection.request("PUT", "/x", headers={"Host": "h"})
    assert is_transient(caught.value)
    assert not never_sent(caught.value)


def test_unreadable_trusted_certificates_are_a_permanent_error(
    tmp_path: Path, server: Loopback
) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(b"not a certificate")
    connection = LibcloudConnection("127.0.0.1", server.port, secure=True, ca_cert=str(trusted))
    with pytest.raises(requests.exceptions.SSLError) as caught:
        connection.request("GET", "/x", headers={"Host": "h"})
    assert not is_transient(caught.value)


def test_a_name_that_urllib3_does_not_find_in_the_certificate_is_a_permanent_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = CertificateError("another host")  # not an error of ssl, as with pyOpenSSL
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", mock.Mock(side_effect=error))
    connection = LibcloudConnection("127.0.0.1", 443, secure=True)
    connection.fast_path = False
    with pytest.raises(requests.exceptions.SSLError) as caught:
        connection.request("GET", "/x", headers={"Host": "h"})
    assert not is_transient(caught.value)


@pytest.mark.parametrize("line", [b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK"])
def test_an_unusual_status_line_is_read_with_its_headers(line: bytes) -> None:
    with Loopback(lambda request: line + b"\r\nContent-Length: 2\r\n\r\nok") as server:
        connection = LibcloudConnection("127.0.0.1", server.port, secure=False)
        connection.request("GET", "/x")
        assert (connection.status, connection.read()) == (200, b"ok")
