# SPDX-License-Identifier: Apache-2.0
"""Which certificates are trusted, by setting and by environment."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from libcloud import security
from libcloud.common.types import LibcloudError
from libcloud.http import LibcloudConnection


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """No setting from outside, and none left behind."""
    before = dict(vars(security))
    with pytest.MonkeyPatch.context() as patch:  # after that of the test
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        patch.delenv("LIBCLOUD_SSL_USE_CERTIFI", raising=False)
        yield
    vars(security).clear()
    vars(security).update(before)


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "bundle.pem"
    path.write_text("")
    return str(path)


def test_certificates_are_checked_against_those_of_certifi() -> None:
    certifi = pytest.importorskip("certifi")
    importlib.reload(security)
    assert security.VERIFY_SSL_CERT is True
    assert certifi.where() == security.CA_CERTS_PATH
    assert LibcloudConnection("h", 443).verification == certifi.where()


@pytest.mark.parametrize(
    ("value", "used"),
    [("1", True), ("true", True), ("True", True), ("0", False), ("false", False), ("", False)],
)
def test_certifi_can_be_left_out(value: str, used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBCLOUD_SSL_USE_CERTIFI", value)
    importlib.reload(security)
    assert security.USE_CERTIFI is used
    assert (security.CA_CERTS_PATH is not None) is used
    assert (LibcloudConnection("h", 443).verification is True) is not used


def test_certifi_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    importlib.reload(security)
    assert not security.has_certifi
    assert security.CA_CERTS_PATH is None


def test_the_environment_names_a_file(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    importlib.reload(security)
    assert bundle == security.CA_CERTS_PATH
    assert LibcloudConnection("h", 443).verification == bundle


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")
    importlib.reload(security)
    assert security.certifi_ca_bundle_path == security.CA_CERTS_PATH


def test_a_file_that_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ValueError, match=r"Certificate file .*none\.pem doesn't exist"):
        importlib.reload(security)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    with pytest.raises(ValueError, match="Certificate file can't be a directory"):
        importlib.reload(security)


def test_checking_can_be_switched_off(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "VERIFY_SSL_CERT", False)
    monkeypatch.setattr(security, "CA_CERTS_PATH", bundle)
    connection = LibcloudConnection("h", 443)
    assert connection.verification is False
    connection._setup_ca_cert(ca_cert=bundle)
    assert connection.ca_cert is None


@pytest.mark.parametrize("verify", [False, "mine.pem"])
def test_a_file_of_trusted_certificates_precedes_verify_of_a_connection(
    bundle: str, verify: bool | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.reload(security)
    usual, assigned = LibcloudConnection("h", 443), LibcloudConnection("h", 443)
    assigned.ca_cert = bundle
    monkeypatch.setenv("LIBCLOUD_SSL_USE_CERTIFI", "0")
    importlib.reload(security)
    without = LibcloudConnection("h", 443)
    default = usual.verification
    for connection in (usual, assigned, without):
        connection.verify = verify
    assert usual.verification == default
    assert assigned.verification == bundle
    assert without.verification == verify


def test_a_connection_can_have_a_file_of_its_own(bundle: str) -> None:
    assert LibcloudConnection("h", 443, ca_cert=bundle).verification == bundle


@pytest.mark.parametrize("by_setting", [True, False])
def test_of_a_list_the_first_is_used(
    bundle: str, by_setting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {"ca_cert": [bundle, "/other"]}
    if by_setting:
        monkeypatch.setattr(security, "CA_CERTS_PATH", arguments.pop("ca_cert"))
    with pytest.warns(DeprecationWarning, match="list of certificate files"):
        connection = LibcloudConnection("h", 443, **arguments)
    assert connection.ca_cert == bundle


def test_certifi_is_not_imported_if_the_variables_name_one_file(
    bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "CA_CERTS_PATH", bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    monkeypatch.delattr(security, "_of_certifi")
    assert LibcloudConnection("h", 443).verification == bundle


def test_the_variables_of_requests_and_curl_are_used_unless_something_is_set(
    bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.reload(security)
    monkeypatch.setenv("CURL_CA_BUNDLE", bundle)
    assert LibcloudConnection("h", 443).verification == bundle
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert LibcloudConnection("h", 443).verification == str(tmp_path)
    assert LibcloudConnection("h", 443, ca_cert="mine").verification == "mine"
    monkeypatch.setattr(security, "CA_CERTS_PATH", "set")
    assert LibcloudConnection("h", 443).verification == "set"
    monkeypatch.setattr(security, "VERIFY_SSL_CERT", False)
    assert LibcloudConnection("h", 443).verification is False


def test_certificates_that_are_not_there_are_an_error_of_their_own(tmp_path: Path) -> None:
    path = str(tmp_path / "none.pem")
    secure = LibcloudConnection("127.0.0.1", 1, secure=True, ca_cert=path)
    for send in (secure.request, secure.prepared_request):
        with pytest.raises(LibcloudError, match=r"trusted certificates .*none\.pem does not exist"):
            send("GET", "/")
    plain = LibcloudConnection("127.0.0.1", 1, secure=False, ca_cert=path)
    with pytest.raises(requests.ConnectionError):
        plain.request("GET", "/")
