# SPDX-License-Identifier: Apache-2.0
"""``doctor`` finds what is wrong, says what to do, and shows no secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from libcloud.test.cli.running import BUCKET, Result, Shell
from libcloud.test.storage.fakes.options import AMAZON
from libcloud.test.storage.fakes.servers import fake_server


def findings(result: Result) -> dict[str, str]:
    """The lines by the name of what was looked at, with their mark and hint."""
    found: dict[str, str] = {}
    name = ""
    for line in result.lines:
        name = line[5:19].strip() or name
        found[name] = f"{found.get(name, '')} {line[:4].strip()} {line[19:]}".strip()
    return found


def test_a_store_in_order(shell: Shell) -> None:
    result = shell.ok("doctor", "--write", "s3://bucket")
    found = findings(result)
    assert found["credentials"].startswith("ok AKIA...FAKE, from the variables AWS_ACCESS_KEY_ID")
    assert found["endpoint"].endswith("from the variable AWS_ENDPOINT_URL")
    for name in ("access", "clock", "container", "listing", "uploads", "writing"):
        assert found[name].startswith("ok "), result.lines
    assert "multipart" in found["supports"]
    assert shell.names() == []
    assert shell.endpoint.secret not in result.out.decode()


def test_a_wrong_secret(shell: Shell) -> None:
    result = shell("doctor", "s3://bucket", AWS_SECRET_ACCESS_KEY="wrong-secret-wrong")
    assert result.status == 4
    found = findings(result)["access"]
    assert found.startswith("FAIL ") and "SignatureDoesNotMatch" in found
    assert "-> the secret does not belong to the key" in found
    assert b"wrong-secret" not in result.out


def test_no_credentials(shell: Shell) -> None:
    result = shell("doctor", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert result.status == 4
    found = findings(result)["credentials"]
    assert found.startswith("FAIL none: AWS_ACCESS_KEY_ID is not set")
    assert "--profile" in found


def test_a_profile(shell: Shell) -> None:
    folder = Path(shell.home) / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id={shell.endpoint.key}\naws_secret_access_key={shell.endpoint.secret}"
    (folder / "credentials").write_text(f"[work]\n{keys}\n")
    result = shell.ok("doctor", "--profile", "work", AWS_ACCESS_KEY_ID=None)
    assert f"profile work of {folder}/credentials" in findings(result)["credentials"]
    result = shell("doctor", "--profile", "none")
    assert result.status == 2
    assert "no profile 'none'" in findings(result)["profile"]


def test_nobody_there(shell: Shell) -> None:
    result = shell("doctor", "--endpoint-url", "http://127.0.0.1:1")
    assert result.status == 5
    assert "Connection refused" in findings(result)["access"]


def test_no_endpoint_where_one_is_needed(shell: Shell) -> None:
    result = shell("doctor", "minio://", AWS_ENDPOINT_URL=None)
    assert result.status == 2
    assert "--endpoint-url" in findings(result)["driver"]


def test_no_container(shell: Shell) -> None:
    result = shell("doctor", "s3://absent")
    assert result.status == 3
    assert "'absent'" in findings(result)["container"]


def test_a_container_of_somebody_else(shell: Shell) -> None:
    options = replace(AMAZON, foreign_buckets=frozenset({"theirs"}))
    with fake_server(options) as endpoint:
        result = Shell(endpoint, shell.home)("doctor", "s3://theirs")
    assert result.status == 4
    found = findings(result)
    assert found["access"].startswith("WARN the store answers; these credentials may not list")
    assert found["listing"].startswith("FAIL ")


@pytest.mark.parametrize(
    ("minutes", "expected"), [(-5, "ahead of the store's"), (5, "behind the store's")]
)
def test_a_clock_that_is_off(shell: Shell, minutes: int, expected: str) -> None:
    def theirs() -> datetime:
        return datetime.now(timezone.utc) + timedelta(minutes=minutes)

    with fake_server(replace(AMAZON, clock=theirs)) as endpoint:
        other = Shell(endpoint, shell.home)
        other.driver.create_container(BUCKET)
        result = other.ok("doctor", "s3://bucket")
    found = findings(result)["clock"]
    assert found.startswith("WARN ") and expected in found and "NTP" in found


def test_plain_http_to_somewhere_is_noted(shell: Shell) -> None:
    result = shell("doctor", "--endpoint-url", "http://store.invalid")
    assert findings(result)["encryption"].startswith("WARN plain http")


def test_writing_needs_a_place(shell: Shell) -> None:
    assert shell("doctor", "--write").status == 2


def test_a_directory_needs_no_credentials(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    result = shell.ok("doctor", "--write", f"file://{tmp_path}/box/", AWS_ACCESS_KEY_ID=None)
    assert findings(result)["writing"].startswith("ok ")
    assert list((tmp_path / "box").iterdir()) == []
