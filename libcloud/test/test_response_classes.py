# SPDX-License-Identifier: Apache-2.0
"""What becomes of an answer: text, a document, an error, or a body that is left alone."""

from __future__ import annotations

import gzip
import traceback
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import requests

from libcloud.common.aws import AWSGenericResponse
from libcloud.common.base import (
    Connection,
    HTTPResponse,
    JsonResponse,
    RawResponse,
    Response,
    XmlResponse,
)
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.google import GoogleResponse
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.drivers.s3 import S3Response
from libcloud.test._loopback import Loopback, reply


def answer(
    body: bytes = b"", status: int = 200, content_type: str | None = None, **headers: str
) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.reason = "Said"
    made._content = body
    if content_type:
        headers["Content-Type"] = content_type
    made.headers.update(headers)
    made.encoding = requests.utils.get_encoding_from_headers(made.headers)
    return made


class Driver:
    name = "driver"


class Asked:
    """Stands in for the connection that asked."""

    driver = Driver


def test_a_response_shows_its_content() -> None:
    asked = Asked()
    made = Response(answer(b" text \n", 201, **{"X-Name": "Value"}), asked)
    assert (made.status, made.error, made.body, made.object) == (201, "Said", "text", "text")
    assert made.headers == {"x-name": "Value"}
    assert made.connection is asked
    assert made.success()


@pytest.mark.parametrize("status", [200, 201, 202])
def test_these_are_successes(status: int) -> None:
    assert Response(answer(status=status), None).status == status


@pytest.mark.parametrize("status", [204, 206, 301, 400, 404, 500])
def test_all_else_is_an_error_with_status_message_and_headers(status: int) -> None:
    with pytest.raises(BaseHTTPError) as caught:
        Response(answer(b"what went wrong", status, **{"X-Name": "Value"}), None)
    assert caught.value.code == caught.value.http_code == status
    assert str(caught.value) == "what went wrong"
    assert caught.value.headers == {"x-name": "Value"}


def test_a_429_has_the_retry_after() -> None:
    with pytest.raises(RateLimitReachedError) as caught:
        Response(answer(b"slow down", 429, **{"Retry-After": "3"}), None)
    assert caught.value.retry_after == 3


def test_an_error_of_parse_error_takes_precedence_and_has_the_status() -> None:
    class Strict(Response):
        def parse_error(self) -> Any:
            raise LibcloudError("refused", driver=None)

    with pytest.raises(LibcloudError, match="refused") as caught:
        Strict(answer(b"", 409), None)
    assert caught.value.http_code == 409


def test_a_status_that_an_error_has_already_stays() -> None:
    class Strict(Response):
        def parse_error(self) -> Any:
            raise InvalidCredsError("refused")

    with pytest.raises(InvalidCredsError) as caught:
        Strict(answer(b"", 403), None)
    assert caught.value.http_code == 401


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("caf\u00e9".encode(), None, "caf\u00e9"),
        ("caf\u00e9".encode(), "text/plain; charset=utf-8", "caf\u00e9"),
        ("caf\u00e9".encode("latin-1"), "text/plain; charset=iso-8859-1", "caf\u00e9"),
        ("caf\u00e9".encode("latin-1"), "text/plain", "caf\u00e9"),
    ],
)
def test_the_body_is_text(body: bytes, content_type: str | None, text: str) -> None:
    assert Response(answer(body, content_type=content_type), None).body == text


def test_a_body_that_is_no_utf_8_is_guessed() -> None:
    assert Response(answer(b"caf\xe9 au lait"), None).body.startswith("caf")


def test_a_mock_is_a_good_enough_response() -> None:
    made = Response(mock.MagicMock(status_code=200, text=None, headers={"A": "b"}), None)
    assert (made.body, made.object, made.headers) == ("", "", {"a": "b"})


XML = "<?xml version='1.0' encoding='{}'?><a><b>caf\u00e9</b></a>"


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
@pytest.mark.parametrize("content_type", [None, "text/xml", "application/xml"])
def test_xml_is_read_in_its_own_encoding(encoding: str, content_type: str | None) -> None:
    body = XML.format(encoding).encode(encoding)
    made = XmlResponse(answer(body, content_type=content_type), Asked())
    assert made.object.findtext("b") == "caf\u00e9"


def test_xml_of_a_mock_is_read_from_its_text() -> None:
    made = XmlResponse(mock.MagicMock(status_code=200, text="<a><b>1</b></a>", headers={}), Asked())
    assert made.object.findtext("b") == "1"


def test_a_body_corrected_by_a_subclass_is_parsed() -> None:
    class Mending(XmlResponse):
        def parse_body(self) -> Any:
            self.body = self.body.removeprefix("junk")
            return super().parse_body()

    assert Mending(answer(b"junk<a/>"), Asked()).object.tag == "a"


def test_json_is_parsed() -> None:
    made = JsonResponse(answer('{"a": "caf\u00e9"}'.encode()), Asked())
    assert made.object == {"a": "caf\u00e9"}


@pytest.mark.parametrize("kind", [XmlResponse, JsonResponse])
@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_document_is_an_empty_text(kind: type[Response], body: bytes) -> None:
    assert kind(answer(body), Asked()).object == ""


@pytest.mark.parametrize("kind", [XmlResponse, JsonResponse])
def test_an_empty_document_can_be_made_an_error(kind: type[Response]) -> None:
    class Strict(kind):  # type: ignore[valid-type,misc]  # one of two classes
        parse_zero_length_body = True

    with pytest.raises(MalformedResponseError):
        Strict(answer(b""), Asked())


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (XmlResponse, b"<a>", "Failed to parse XML"),
        (XmlResponse, b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "Failed to parse XML"),
        (JsonResponse, b"{", "Failed to parse JSON"),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_what_cannot_be_parsed_is_malformed(
    kind: type[Response], body: bytes, message: str, status: int
) -> None:
    with pytest.raises(MalformedResponseError, match=message) as caught:
        kind(answer(body, status), Asked())
    assert caught.value.body == body.decode()
    assert caught.value.driver is Driver
    assert caught.value.http_code == status


def test_the_message_of_an_error_may_be_a_document() -> None:
    with pytest.raises(BaseHTTPError) as caught:
        JsonResponse(answer(b'{"error": 1}', 500), Asked())
    assert caught.value.message == {"error": 1}
    assert str(caught.value) == "{'error': 1}"


class Unread:
    """A response that counts how often its body is asked for."""

    reason = "Said"
    request = None

    def __init__(self, status: int = 200) -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}
        self.reads = 0
        self.closed = False

    @property
    def content(self) -> bytes:
        self.reads += 1
        return b"body"

    def iter_content(self) -> None:
        """Only looked at."""

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("status", [200, 204, 206])
def test_a_raw_response_leaves_its_body_alone(status: int) -> None:
    response = Unread(status)
    raw = RawResponse(None, response)
    assert (raw.status, raw.reason, raw.error, raw.object) == (status, "Said", "Said", None)
    assert raw.iter_content == response.iter_content
    assert raw.response._response is response
    assert response.reads == 0
    assert raw.body == b"body"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_raw_response_reads_the_body_of_a_failure(status: int) -> None:
    response = Unread(status)
    raw = RawResponse(None, response)
    assert raw.status == status
    assert not raw.success()
    assert response.reads > 0


def test_a_raw_response_can_raise_by_parse_error() -> None:
    class Strict(RawResponse):
        def parse_error(self) -> Any:
            raise LibcloudError(self.body)

    response = Unread(500)
    with pytest.raises(LibcloudError, match="body") as caught:
        Strict(None, response)
    assert caught.value.http_code == 500
    assert response.closed


def test_a_raw_response_without_a_response_reads_from_the_connection() -> None:
    connection = mock.Mock()
    connection.connection.getresponse.return_value = Unread(206)
    raw = RawResponse(connection)
    connection.connection.getresponse.assert_not_called()
    assert raw.response.status == 206
    assert raw.status == 206


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


def test_failed_streams_free_their_connection(server: Loopback) -> None:
    server.answer = lambda request: reply(404, b"e" * 100)
    connection = Connection(secure=False, host="127.0.0.1", port=server.port)
    kept = [connection.request("/x", raw=True, stream=True) for _ in range(3)]
    assert [raw.body for raw in kept] == [b"e" * 100] * 3
    assert server.connections == 1


def test_an_error_while_parsing_closes_the_response() -> None:
    response = answer(b"{")
    with mock.patch.object(response, "close") as close, pytest.raises(MalformedResponseError):
        JsonResponse(response, Asked())
    close.assert_called_once_with()


ECHO = b"<p>GET /x?Signature=s3cr3t-0123456789 by [s3cr3t-abcdefghij] cannot be had</p>"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *((kind, 200) for kind in (JsonResponse, XmlResponse, GoogleResponse, S3Response)),
        *((kind, 403) for kind in (Response, AWSGenericResponse, GoogleResponse, S3Response)),
        *((kind, 502) for kind in (Response, AWSGenericResponse, GoogleResponse, S3Response)),
    ],
)
def test_a_page_that_repeats_the_request_is_shown_without_its_secrets(
    server: Loopback, kind: Any, status: int
) -> None:
    server.answer = lambda request: reply(status, ECHO[:-4])
    connection = Connection(secure=False, host="127.0.0.1", port=server.port)
    connection.responseCls = kind
    # Not in the call itself: a traceback of Python 3.13 shows all of its lines.
    params, headers = {"Signature": "s3cr3t-0123456789"}, {"X-Auth-Token": "s3cr3t-abcdefghij"}
    with pytest.raises((LibcloudError, BaseHTTPError)) as caught:
        connection.request("/x", params=params, headers=headers)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert "s3cr3t" not in shown
    assert "cannot be had" in shown


def test_a_stored_encoding_can_be_read_as_it_is(server: Loopback) -> None:
    stored = gzip.compress(b"text" * 100)
    server.answer = lambda request: reply(200, stored, {"Content-Encoding": "gzip"})
    connection = Connection(secure=False, host="127.0.0.1", port=server.port)
    headers = {"Accept-Encoding": "identity"}
    raw = connection.request("/x", raw=True, stream=True, headers=headers)
    assert server.last.headers["accept-encoding"] == "identity"
    assert raw.response._response.raw.read(decode_content=False) == stored


def test_the_old_response_reads_nothing_when_closed() -> None:
    made = HTTPResponse(mock.Mock())
    made.close()
    assert made.read() == ""
