# SPDX-License-Identifier: Apache-2.0
"""Options before the command, ``-h``, and the certificates to trust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from libcloud import security
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server

UNREACHABLE = "http://127.0.0.1:9"


@pytest.mark.parametrize("name", ["ls", "du", "put", "uploads"])
def test_h_alone_prints_the_help_of_a_command(shell: Shell, name: str) -> None:
    assert shell.ok(name, "-h").out == shell.ok(name, "--help").out
    assert shell.ok("help", name).out == shell.ok(name, "--help").out


def test_h_with_a_url_prints_sizes_for_people(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"x" * 2048)
    assert "2.0 KiB" in shell.ok("ls", "-h", "s3://bucket").lines[0]


def test_an_option_before_the_command_applies_to_it(shell: Shell) -> None:
    url = shell.endpoint.url
    shell.ok("--endpoint-url", url, "ls", "s3://bucket", AWS_ENDPOINT_URL=UNREACHABLE)
    assert shell("--provider", "nobody", "ls", "s3://bucket").status == 2


def test_an_option_after_the_command_overrides_one_before_it(shell: Shell) -> None:
    arguments = ("ls", "--endpoint-url", shell.endpoint.url, "s3://bucket")
    shell.ok("--endpoint-url", UNREACHABLE, *arguments)


def test_an_option_before_a_nested_command_applies_to_it(shell: Shell) -> None:
    url = shell.endpoint.url
    shell.ok("--endpoint-url", url, "uploads", "ls", "s3://bucket", AWS_ENDPOINT_URL=UNREACHABLE)


@pytest.fixture
def secure(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The command, with a store whose certificate is not trusted."""
    monkeypatch.setattr(security, "VERIFY_SSL_CERT", True)
    monkeypatch.setattr(security, "CA_CERTS_PATH", None)
    with fake_server(replace(AMAZON, tls=True)) as endpoint:
        chosen = Shell(endpoint, shell.home)
        chosen.ok("mb", "--ca-bundle", str(endpoint.certificate), f"s3://{BUCKET}")
        monkeypatch.setattr(security, "CA_CERTS_PATH", None)
        yield chosen


def test_a_ca_bundle_is_trusted(secure: Shell) -> None:
    assert secure("ls", "s3://bucket").status == 5
    secure.ok("ls", "--ca-bundle", str(secure.endpoint.certificate), "s3://bucket")


def test_certificates_are_not_verified_on_request(secure: Shell) -> None:
    result = secure.ok("ls", "--no-verify-ssl", "s3://bucket")
    assert result.err == "libcloud: warning: certificates are not verified (--no-verify-ssl)\n"


def test_a_ca_bundle_that_does_not_exist_is_a_usage_error(shell: Shell, tmp_path: Path) -> None:
    assert shell("ls", "--ca-bundle", f"{tmp_path}/none", "s3://bucket").status == 2
