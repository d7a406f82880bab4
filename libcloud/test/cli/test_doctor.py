# SPDX-License-Identifier: Apache-2.0
"""``doctor`` finds problems, suggests fixes, and shows no secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.transfer.client import RetryLoop
from libcloud.test._loopback import Loopback, loopback_names, reply
from libcloud.test.cli.running import BUCKET, Result, Shell, environment, terminal
from libcloud.test.storage.fakes.options import AMAZON, Issued
from libcloud.test.storage.fakes.servers import fake_server


def findings(result: Result) -> dict[str, str]:
    """The output by the name of the check: mark, text and hint."""
    found: dict[str, str] = {}
    name = ""
    for line in result.lines:
        name = line[5:19].strip() or name
        found[name] = f"{found.get(name, '')} {line[:4].strip()} {line[19:]}".strip()
    return found


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without delay."""
    monkeypatch.setattr(RetryLoop, "sleep", staticmethod(lambda seconds: None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "mark"),
    [({}, "\x1b[31mFAIL \x1b[0m"), ({"NO_COLOR": "1"}, "FAIL "), ({"TERM": "dumb"}, "FAIL ")],
)
def test_on_a_terminal_failures_are_red_and_lines_are_whole(
    shell: Shell, variables: dict[str, str], mark: str
) -> None:
    where = {**environment(shell.endpoint, shell.home), "COLUMNS": "40", **variables}
    with terminal(["doctor", "s3://absent"], where, columns=40) as tty:
        assert tty.finish() == 3
    lines = tty.text.splitlines()
    assert next(line for line in lines if "bucket" in line).startswith(f"{mark}bucket")
    assert "\x1b" not in "".join(line for line in lines if "FAIL" not in line)
    assert [line for line in lines if f" {shell.endpoint.url}, from " in line]


def test_all_checks_pass_on_a_working_store(shell: Shell) -> None:
    result = shell.ok("doctor", "--write", "s3://bucket")
    found = findings(result)
    assert found["credentials"].startswith("ok AKIA...FAKE, from the variables AWS_ACCESS_KEY_ID")
    assert found["endpoint"].endswith("from the variable AWS_ENDPOINT_URL")
    for name in ("access", "clock", "bucket", "listing", "uploads", "writing"):
        assert found[name].startswith("ok "), result.lines
    assert "multipart" in found["supports"]
    assert shell.names() == []
    assert shell.endpoint.secret not in result.out.decode()


def test_a_wrong_secret_fails_the_access_check(shell: Shell) -> None:
    result = shell("doctor", "s3://bucket", AWS_SECRET_ACCESS_KEY="wrong-secret-wrong")
    assert result.status == 4
    found = findings(result)["access"]
    assert found.startswith("FAIL ") and "SignatureDoesNotMatch" in found
    assert "-> the secret key does not match the access key" in found
    assert b"wrong-secret" not in result.out


def test_missing_credentials_fail(shell: Shell) -> None:
    result = shell("doctor", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert result.status == 4
    found = findings(result)["credentials"]
    assert found.startswith("FAIL none: AWS_ACCESS_KEY_ID is not set")
    assert "--profile" in found


def test_the_hint_for_a_missing_bucket_names_it(shell: Shell) -> None:
    result = shell("doctor", "s3://absent/x")
    assert result.status == 3
    assert "create it: libcloud mb s3://absent;" in findings(result)["bucket"]


def test_the_profile_is_shown(shell: Shell) -> None:
    folder = Path(shell.home) / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id={shell.endpoint.key}\naws_secret_access_key={shell.endpoint.secret}"
    (folder / "credentials").write_text(f"[work]\n{keys}\n")
    result = shell.ok("doctor", "--profile", "work", AWS_ACCESS_KEY_ID=None)
    assert f"profile work of {folder}/credentials" in findings(result)["credentials"]
    result = shell("doctor", "--profile", "none")
    assert result.status == 2
    assert "no profile 'none'" in findings(result)["profile"]


@pytest.mark.usefixtures("hasty")
def test_an_unreachable_store_fails(shell: Shell) -> None:
    result = shell("doctor", "--endpoint-url", "http://127.0.0.1:1")
    assert result.status == 5
    assert "Connection refused" in findings(result)["access"]


def test_a_missing_endpoint_fails_the_driver_check(shell: Shell) -> None:
    result = shell("doctor", "minio://", AWS_ENDPOINT_URL=None)
    assert result.status == 2
    assert "--endpoint-url" in findings(result)["driver"]


def test_a_missing_bucket_fails(shell: Shell) -> None:
    result = shell("doctor", "s3://absent")
    assert result.status == 3
    assert "'absent'" in findings(result)["bucket"]


def test_a_forbidden_bucket_is_a_warning_and_a_failure(shell: Shell) -> None:
    options = replace(AMAZON, foreign_buckets=frozenset({"theirs"}))
    with fake_server(options) as endpoint:
        result = Shell(endpoint, shell.home)("doctor", "s3://theirs")
    assert result.status == 4
    found = findings(result)
    assert found["access"].startswith("WARN these credentials are not allowed to list the bucket")
    assert found["listing"].startswith("FAIL ")


@pytest.mark.parametrize(
    ("minutes", "expected"), [(-5, "ahead of the store's"), (5, "behind the store's")]
)
def test_clock_skew_is_a_warning(shell: Shell, minutes: int, expected: str) -> None:
    def theirs() -> datetime:
        return datetime.now(timezone.utc) + timedelta(minutes=minutes)

    with fake_server(replace(AMAZON, clock=theirs)) as endpoint:
        other = Shell(endpoint, shell.home)
        other.driver.create_container(BUCKET)
        result = other.ok("doctor", "s3://bucket")
    found = findings(result)["clock"]
    assert found.startswith("WARN ") and expected in found and "NTP" in found


@pytest.mark.usefixtures("hasty")
def test_plain_http_to_another_host_is_a_warning(shell: Shell) -> None:
    result = shell("doctor", "--endpoint-url", "http://store.invalid")
    assert findings(result)["encryption"].startswith("WARN plain http")


def test_the_write_check_requires_a_bucket(shell: Shell) -> None:
    assert shell("doctor", "--write").status == 2


def test_a_directory_needs_no_credentials(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    result = shell.ok("doctor", "--write", f"file://{tmp_path}/box/", AWS_ACCESS_KEY_ID=None)
    assert findings(result)["writing"].startswith("ok ")
    assert list((tmp_path / "box").iterdir()) == []


def test_endpoint_and_addressing_style_are_shown(shell: Shell) -> None:
    found = findings(shell.ok("doctor", "s3://bucket"))
    assert found["store"] == "S3-compatible store"
    assert found["style"] == "path"
    assert found["signed for"] == "us-east-1"
    assert found["clock"].startswith("ok in sync with the store (")
    assert findings(shell.ok("doctor"))["style"] == "path, signed for us-east-1"


def test_virtual_host_addressing_is_shown(shell: Shell) -> None:
    server = shell.fake
    server.options = replace(server.options, names={"store.test": "us-east-1"})
    url = f"http://store.test:{shell.endpoint.port}"
    with loopback_names("store.test"):
        style = ("--addressing-style", "virtual")
        result = shell.ok("doctor", "--endpoint-url", url, *style, "s3://bucket")
    expected = "virtual-hosted, host bucket.store.test"
    assert findings(result)["style"] == expected


def test_a_detected_region_is_shown(shell: Shell) -> None:
    result = shell.ok("doctor", "--region", "mars-1", "s3://bucket")
    found = findings(result)["region"]
    assert "WARN the bucket is in us-east-1, where requests for it are sent" in found
    assert "--region us-east-1" in found


def test_settings_from_the_environment_are_shown(shell: Shell) -> None:
    result = shell.ok("doctor", AWS_REQUEST_CHECKSUM_CALCULATION="when_required")
    expected = "when_required, from the variable AWS_REQUEST_CHECKSUM_CALCULATION"
    assert findings(result)["checksums"] == expected


def test_a_store_profile_can_be_selected(shell: Shell) -> None:
    assert findings(shell.ok("doctor", "--provider", "r2", "s3://"))["store"] == "Cloudflare R2"
    assert findings(shell.ok("doctor", "garage://bucket"))["store"] == "Garage"
    result = shell("doctor", "r2://", AWS_ENDPOINT_URL=None)
    assert result.status == 2
    assert "Cloudflare R2 has no default host" in findings(result)["driver"]
    result = shell("doctor", "nimbus://")
    assert result.status == 2 and "r2" in result.err


def test_anonymous_requests_are_shown(shell: Shell) -> None:
    server = shell.fake
    variables: Any = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    assert shell("doctor", "--no-sign-request", "s3://bucket", **variables).status == 4
    server.options = replace(server.options, anonymous=True)
    found = findings(shell.ok("doctor", "--no-sign-request", "s3://bucket", **variables))
    assert found["credentials"] == "not used, because of --no-sign-request"
    assert found["access"] == "ok the store accepts anonymous requests"


def test_credentials_of_a_provider_are_obtained_and_hidden(shell: Shell) -> None:
    server = shell.fake
    expires = datetime.now(timezone.utc) + timedelta(hours=1)
    server.options = replace(
        server.options,
        issued={"ASIAOBTAINED12345678": Issued("obtained-secret", "the-token", expires)},
    )
    answer = {
        "AccessKeyId": "ASIAOBTAINED12345678",
        "SecretAccessKey": "obtained-secret",
        "Token": "the-token",
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    with Loopback(lambda request: reply(body=json.dumps(answer).encode())) as container:
        result = shell.ok(
            "doctor",
            "s3://bucket",
            AWS_ACCESS_KEY_ID=None,
            AWS_SECRET_ACCESS_KEY=None,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://127.0.0.1:{container.port}/",
        )
    found = findings(result)["credentials"]
    assert found.startswith("ok ASIA...5678, with a session token, from the variable AWS_CONTAINER")
    assert b"obtained-secret" not in result.out and b"the-token" not in result.out


def test_credentials_that_cannot_be_obtained_are_reported(shell: Shell) -> None:
    folder = Path(shell.home) / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        "[profile sso]\nsso_session = company\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session company]\nsso_start_url = https://x.invalid\nsso_region = eu-west-1\n"
    )
    result = shell("doctor", "--profile", "sso")
    other = shell("ls", "--profile", "sso", "s3://bucket")
    assert (result.status, other.status) == (4, 4)
    found = findings(result)["credentials"]
    assert "FAIL none: botocore cannot obtain" in found
    assert "(profile sso, by sso_session, through botocore)" in found
    assert "botocore cannot obtain" in other.err
