# SPDX-License-Identifier: Apache-2.0
"""How long an S3 driver waits for which answer."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test.storage.s3_servers import store


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The last timeout passed to requests, by method and parameter."""
    found: dict[str, Any] = {}
    send = requests.Session.send

    def recorded(session: Any, request: Any, **kwargs: Any) -> Any:
        names = sorted(pair.partition("=")[0] for pair in request.url.partition("?")[2].split("&"))
        found[" ".join([request.method, *filter(None, names)])] = kwargs["timeout"]
        return send(session, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", recorded)
    return found


def test_a_completion_may_take_minutes_and_nothing_else(limits: dict[str, Any]) -> None:
    with store() as there:
        there.in_parts()
        there.driver.get_object("bucket", "object")
    assert limits.pop("POST uploadId") == (10, 300)
    assert set(limits) == {"POST uploads", "PUT partNumber uploadId", "HEAD"}
    assert set(limits.values()) == {(10, 60)}


@pytest.mark.parametrize(
    ("timeout", "completion"), [(7, (7, 300)), (900, 900), ((3, 60), (3, 300))]
)
def test_a_timeout_of_the_user_holds_where_it_is_longer(
    limits: dict[str, Any], timeout: Any, completion: Any
) -> None:
    with store(timeout=timeout) as there:
        there.in_parts()
    assert limits["PUT partNumber uploadId"] == timeout
    assert limits["POST uploadId"] == completion


def test_a_driver_class_sets_the_timeout_of_a_completion(limits: dict[str, Any]) -> None:
    class Patient(S3StorageDriver):
        ex_completion_timeout = 3600.0

    with store(kind=Patient) as there:
        there.in_parts()
    assert limits["POST uploadId"] == (10, 3600)


def test_without_a_timeout_of_completions_that_of_the_caller_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Plain(S3StorageDriver):
        ex_completion_timeout = 0.0

    driver = Plain("key", "secret", host="127.0.0.1")
    connection = driver.connection

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise LibcloudError(str(connection._extended_timeout))

    monkeypatch.setattr(connection, "request", refuse)
    request = s3.requests.complete_upload("/b/k", upload_id="1", parts=[(1, "e")])
    with connection.extended_timeout(600), pytest.raises(LibcloudError, match="600"):
        driver._client.send_once(request, "")


@pytest.mark.parametrize(
    ("request_", "late"),
    [
        (s3.requests.complete_upload("/b/k", upload_id="1", parts=[(1, "e")]), True),
        (s3.requests.copy_object("/b/k", source="/b/s"), True),
        (
            s3.requests.copy_part("/b/k", source="/b/s", upload_id="1", number=1, span=range(9)),
            True,
        ),
        (s3.requests.put_part("/b/k", upload_id="1", number=1, body=b""), False),
        (s3.requests.create_upload("/b/k"), False),
        (s3.requests.abort_upload("/b/k", upload_id="1"), False),
        (s3.requests.put_object("/b/k"), False),
    ],
)
def test_the_store_works_long_on_completions_and_copies(request_: Any, late: bool) -> None:
    assert s3.requests.takes_long(request_) is late
