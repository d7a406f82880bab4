# SPDX-License-Identifier: Apache-2.0
"""Connections to S3: requests to a server that checks signatures, and error responses."""

from __future__ import annotations

import email.utils
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest

from libcloud.common import aws
from libcloud.common.base import BaseDriver
from libcloud.common.signing import sigv4
from libcloud.common.types import LibcloudError
from libcloud.storage.s3.connection import (
    BaseS3Connection,
    S3Connection,
    S3SignatureV4Connection,
)
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.storage.fakes.options import AMAZON, SIGV2
from libcloud.test.storage.fakes.server import FakeS3

ERROR = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>It is so.</Message>'
    b"<RequestId>R1</RequestId><HostId>H1</HostId>%s</Error>"
)


class _Driver(BaseDriver):
    """A driver that has only a connection."""

    name = "Test"
    region_name = "us-east-1"
    http_vendor_prefix = "x-amz"

    def __init__(self, connection: BaseS3Connection) -> None:
        self.connection = connection
        connection.driver = self


def connect(
    kind: type[BaseS3Connection], server: FakeS3 | Loopback, **kwargs: Any
) -> BaseS3Connection:
    options = getattr(server, "options", AMAZON)
    where = {"host": "127.0.0.1", "port": server.port, "secure": False, **kwargs}
    connection = kind(options.key, options.secret, **where)
    _Driver(connection)
    return connection


NAMES = ["k", "a//b", "/lead", "a/../b", "./x", "..", "a b", "a+b", "~", "é", "100%", "a?b", "a#b"]


@pytest.fixture(params=["2", "2 with token", "4", "4 with token"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[FakeS3, BaseS3Connection]]:
    """A connection, and a server that checks signatures."""
    token = "session/token" if "token" in request.param else None
    version4 = request.param.startswith("4")
    with FakeS3(replace(AMAZON if version4 else SIGV2, session_token=token)) as server:
        server.create_bucket("bucket")
        if version4:
            yield server, connect(S3SignatureV4Connection, server, token=token)
        elif token:
            yield server, connect(S3Connection, server, token=token)
        else:
            yield server, connect(BaseS3Connection, server)


def quoted(name: str) -> str:
    return quote(name, safe="/~-._")


Store = tuple[FakeS3, BaseS3Connection]


@pytest.mark.parametrize("name", NAMES)
def test_every_object_name_is_sent_unchanged(store: Store, name: str) -> None:
    server, connection = store
    path = f"/bucket/{quoted(name)}"
    assert connection.request(path, method="PUT", data=b"x").status == 200
    assert list(server.objects) == [("bucket", name)]
    assert connection.request(path, raw=True).body == b"x"


def test_every_request_of_a_multipart_upload_is_signed_correctly(store: Store) -> None:
    server, connection = store
    begun = connection.request("/bucket/k?uploads", method="POST")
    upload_id = next(e.text for e in begun.object.iter() if e.tag.endswith("UploadId"))
    part = connection.request(
        "/bucket/k", params={"uploadId": upload_id, "partNumber": 1}, method="PUT", data=b"part"
    )
    document = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{part.headers['etag']}</ETag></Part></CompleteMultipartUpload>"
    )
    done = connection.request(
        f"/bucket/k?uploadId={quoted(upload_id)}", method="POST", data=document.encode()
    )
    assert done.status == 200
    assert connection.request("/bucket", params={"uploads": ""}).status == 200
    assert server.body("bucket", "k") == b"part"
    assert server.operations() == [
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "ListMultipartUploads",
    ]


@pytest.mark.parametrize("body", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_any_buffer_is_a_body(store: Store, body: Any) -> None:
    server, connection = store
    assert connection.request("/bucket/k", method="PUT", data=body).status == 200
    assert server.body("bucket", "k") == b"abc"


def test_metadata_with_repeated_spaces_is_signed_correctly(store: Store) -> None:
    _, connection = store
    headers = {"x-amz-meta-a": "a  b", "Content-Type": "text/plain"}
    assert connection.request("/bucket/k", method="PUT", data=b"x", headers=headers).status == 200


def test_the_path_of_the_endpoint_comes_first() -> None:
    with Loopback() as server:
        connection = BaseS3Connection("k", "s", url=f"http://127.0.0.1:{server.port}/gateway/")
        connection.request("/b//k/../x")
    assert server.requests[0].target == "/gateway/b//k/../x"


# Signature Version 4.


def version4(**kwargs: Any) -> S3SignatureV4Connection:
    connection = S3SignatureV4Connection("key", "secret", **{"host": "h.example", **kwargs})
    _Driver(connection)
    connection.action, connection.method, connection.data = "/b/k", "PUT", b"abc"
    return connection


def sign(connection: BaseS3Connection, **headers: Any) -> dict[str, Any]:
    return dict(connection.pre_connect_hook({}, {"Host": "h.example", **headers})[1])


def test_each_attempt_is_signed_with_a_fresh_date() -> None:
    connection = version4()
    first = datetime(2024, 1, 1, 23, 59, 59, tzinfo=timezone.utc)
    with mock.patch.object(aws, "_now", return_value=first):
        headers = sign(connection)
    with mock.patch.object(aws, "_now", return_value=first + timedelta(seconds=2)):
        again = sign(connection, **headers)
        fresh = sign(version4())
    assert again == fresh
    assert (headers["X-AMZ-Date"], again["X-AMZ-Date"]) == ("20240101T235959Z", "20240102T000001Z")
    assert "/20240102/" in again["Authorization"]


def test_the_signing_key_is_derived_once() -> None:
    connection = version4()
    with mock.patch.object(sigv4, "_key_of_day", wraps=sigv4._key_of_day) as derive:
        now = datetime(2024, 1, 1, tzinfo=timezone.utc)
        with mock.patch.object(aws, "_now", return_value=now):
            sign(connection)
            sign(connection)
    assert derive.call_count == 1


def test_a_get_has_no_version_parameter_and_the_token_is_no_parameter() -> None:
    with FakeS3(replace(AMAZON, session_token="t")) as server:
        server.create_bucket("bucket")
        connection = connect(S3SignatureV4Connection, server, token="t")
        assert connection.request("/bucket", params={"prefix": "x"}).status == 200
    assert server.requests[0].query == {"prefix": "x"}


def test_headers_that_proxies_change_are_not_signed() -> None:
    headers = sign(
        version4(), **{"User-Agent": "x", "Accept-Encoding": "gzip", "Content-Type": "text/plain"}
    )
    assert (
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,"
        in (headers["Authorization"])
    )


def test_a_hash_given_by_the_caller_is_sent_once_and_signed() -> None:
    headers = sign(version4(), **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    hashes = [headers[name] for name in headers if name.lower() == "x-amz-content-sha256"]
    assert hashes == ["UNSIGNED-PAYLOAD"]


@pytest.mark.parametrize("body", [io.BytesIO(b"abc"), iter([b"abc"])])
def test_a_body_that_can_be_read_only_once_is_not_hashed(body: Any) -> None:
    connection = version4()
    connection.data = body
    assert sign(connection)["X-AMZ-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    assert b"".join(body) == b"abc"


def test_a_parameter_without_a_value_is_refused() -> None:
    with Loopback() as server:
        connection = connect(S3SignatureV4Connection, server)
        with pytest.raises(ValueError, match="uploadId"):
            connection.request("/b/k", params={"uploadId": None}, method="DELETE")
    assert server.requests == []


# Signature Version 2.


def test_signature() -> None:
    def signature(path: str, params: Any) -> str:
        return BaseS3Connection.get_auth_signature(
            method="PUT",
            headers={},
            params=params,
            expires="1",
            secret_key="s",
            path=path,
            vendor_prefix="x-amz",
        )

    in_params = signature("/b/k", {"uploadId": "u", "partNumber": 1, "AWSAccessKeyId": "k"})
    assert in_params == signature("/b/k?partNumber=1&uploadId=u", {})
    assert in_params == signature("/b/k", [("partNumber", "1"), ("uploadId", "u")])
    assert in_params != signature("/b/k", {})


def test_token() -> None:
    with FakeS3(replace(SIGV2, session_token="t")) as server:
        server.create_bucket("bucket")
        connection = connect(S3Connection, server, token="t")
        assert connection.request("/bucket").status == 200
    assert server.requests[0].headers["x-amz-security-token"] == "t"
    assert server.requests[0].query == {}


def test_version_2_signs_in_the_header_and_does_not_change_the_query() -> None:
    with FakeS3(SIGV2) as server:
        server.create_bucket("bucket")
        connection = connect(S3Connection, server)
        created = connection.request("/bucket/k?uploads", method="POST")
        upload_id = created.object.findtext("{*}UploadId")
        part = {"partNumber": "1", "uploadId": upload_id}
        assert connection.request("/bucket/k", params=part, method="PUT", data=b"x").status == 200
        date = {"x-amz-date": email.utils.formatdate(usegmt=True)}
        assert connection.request("/bucket", headers=date).status == 200
    assert [entry.target.partition("?")[2] for entry in server.requests] == [
        "uploads",
        f"partNumber=1&uploadId={quote(upload_id, safe='')}",
        "",
    ]
    authorized = [entry.headers["authorization"] for entry in server.requests]
    assert all(value.startswith("AWS ") for value in authorized)
    assert len(set(authorized)) == 3
    assert ["date" in entry.headers for entry in server.requests] == [True, True, False]


def test_version_2_signs_in_the_query_if_a_subclass_adds_expires() -> None:
    class InQuery(S3Connection):
        def add_default_params(self, params: Any) -> Any:
            params["AWSAccessKeyId"] = self.user_id
            params["Expires"] = str(int(self.server_time().timestamp()) + 60)
            return params

    with FakeS3(SIGV2) as server:
        server.create_bucket("bucket")
        assert connect(InQuery, server).request("/bucket").status == 200
    assert set(server.requests[0].query) == {"AWSAccessKeyId", "Expires", "Signature"}
    assert "authorization" not in server.requests[0].headers


# Errors.


def answering(status: int, body: bytes = b"", **headers: str) -> Loopback:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request: Received) -> bytes:
        return reply(status, b"" if request.method == "HEAD" else body, named)

    return Loopback(answer)


def failure(server: Loopback, **kwargs: Any) -> Any:
    """What a request becomes."""
    with server, pytest.raises(LibcloudError) as caught:
        connect(S3SignatureV4Connection, server).request("/b/k", **kwargs)
    return caught.value


@pytest.mark.parametrize("raw", [False, True])
def test_an_error_has_code_message_and_request_id_of_s3(raw: bool) -> None:
    error = failure(answering(501, ERROR % (b"NotImplemented", b"")), raw=raw)
    assert type(error).__name__ == "LibcloudError"
    assert (error.status, error.http_code) == (501, 501)
    assert (error.code, error.request_id) == ("NotImplemented", "R1")
    assert error.detail.host_id == "H1"
    assert isinstance(error.driver, _Driver)
    for part in ("Unknown error. Status code: 501", "NotImplemented", "It is so.", "R1"):
        assert part in str(error)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("raw", [False, True])
def test_invalid_credentials(status: int, raw: bool) -> None:
    error = failure(answering(status, ERROR % (b"InvalidObjectState", b"")), raw=raw)
    assert type(error).__name__ == "InvalidCredsError"
    assert (error.http_code, error.code) == (status, "InvalidObjectState")
    assert "InvalidObjectState" in str(error)


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttling_error_states_retry_after(status: int) -> None:
    error = failure(answering(status, ERROR % (b"SlowDown", b""), Retry_After="7"))
    assert type(error).__name__ == "LibcloudError"
    assert f"Unknown error. Status code: {status}" in str(error)
    assert (error.code, error.retry_after) == ("SlowDown", 7.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed_but_name_the_region(status: int) -> None:
    with Loopback() as elsewhere:
        error = failure(
            answering(
                status,
                ERROR % (b"PermanentRedirect", b""),
                x_amz_bucket_region="eu-west-1",
                Location=f"http://127.0.0.1:{elsewhere.port}/b/k",
            )
        )
    assert elsewhere.requests == []
    assert "'eu-west-1'" in str(error)
    assert "'us-east-1'" in str(error)
    assert (error.detail.region, error.status) == ("eu-west-1", status)


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("https://store.test:9000/b/k?X-Amz-Signature=hush", "to https://store.test:9000."),
        ("https://store.test", "to https://store.test."),
        ("https://user:hush@store.test/b/k", "to another host, in its region."),
        ("/elsewhere", "to another host, in its region."),
    ],
)
def test_a_redirect_names_the_endpoint_to_use(location: str, to: str) -> None:
    error = failure(answering(301, b"<html>Moved</html>", Location=location))
    assert f"Requests for this bucket must be sent {to}" in str(error)
    assert "hush" not in str(error)


def test_the_region_may_be_in_the_body() -> None:
    body = ERROR % (b"PermanentRedirect", b"<Region>eu-west-3</Region>")
    assert "'eu-west-3'" in str(failure(answering(301, body)))


def test_a_redirect_of_a_head_request_has_no_more_than_its_headers() -> None:
    error = failure(answering(301, x_amz_bucket_region="eu-west-1"), method="HEAD")
    assert "'eu-west-1'" in str(error)


def test_an_error_quotes_the_start_of_a_page_of_a_proxy() -> None:
    error = failure(answering(502, b"<html><body>Bad Gateway" + b"." * 5000))
    assert "Bad Gateway" in str(error)
    assert len(str(error)) < 1000
    assert error.code == ""


def test_no_error_shows_the_signature() -> None:
    body = ERROR % (
        b"SignatureDoesNotMatch",
        b"<StringToSign>AWS4-HMAC-SHA256 s3cr3t</StringToSign>"
        b"<SignatureProvided>0123abcd</SignatureProvided>",
    )
    text = str(failure(answering(403, body)))
    assert "SignatureDoesNotMatch" in text
    assert "s3cr3t" not in text
    assert "0123abcd" not in text


@pytest.mark.parametrize("status", [200, 204, 206, 400, 404, 409])
def test_statuses_that_drivers_handle_raise_no_exception(status: int) -> None:
    with answering(status) as server:
        assert connect(S3SignatureV4Connection, server).request("/b/k").status == status
