# SPDX-License-Identifier: Apache-2.0
"""What an error means, and what may be said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.s3.errors import (
    PERMANENT_CODES,
    TRANSIENT_CODES,
    ErrorDetail,
    describe,
    error_detail,
    is_transient,
)
from libcloud.test.storage.s3 import documents

NOON = "Wed, 21 Oct 2015 12:00:00 GMT"


def error(code: str, message: str = "") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 509])
def test_these_statuses_are_transient(status: int) -> None:
    assert is_transient(ErrorDetail(status))


@pytest.mark.parametrize(
    "status", [301, 304, 307, 400, 401, 403, 404, 405, 409, 411, 412, 413, 416, 501, 505]
)
def test_these_statuses_are_permanent(status: int) -> None:
    assert not is_transient(ErrorDetail(status))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "RequestTimeout"),
        (400, "BadDigest"),
        (400, "Throttling"),
        (400, "ThrottlingException"),
        (400, "ThrottledException"),
        (400, "RequestThrottled"),
        (400, "RequestThrottledException"),
        (400, "RequestLimitExceeded"),
        (400, "BandwidthLimitExceeded"),
        (400, "PriorRequestNotComplete"),
        (403, "RequestTimeTooSkewed"),
        (409, "OperationAborted"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (503, "SlowDown"),
    ],
)
def test_these_codes_are_transient_whatever_the_status(status: int, code: str) -> None:
    assert is_transient(error_detail(status, {}, error(code)))
    assert is_transient(error_detail(200, {}, error(code)))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "EntityTooSmall"),
        (400, "ExpiredToken"),
        (400, "InvalidPart"),
        (400, "InvalidPartOrder"),
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (404, "NoSuchBucket"),
        (404, "NoSuchKey"),
        (404, "NoSuchUpload"),
        (409, "BucketAlreadyOwnedByYou"),
        (409, "ConditionalRequestConflict"),
        (412, "PreconditionFailed"),
        (501, "NotImplemented"),
    ],
)
def test_these_codes_are_permanent_whatever_the_status(status: int, code: str) -> None:
    for said in (status, 200, 500, 503):
        assert not is_transient(error_detail(said, {}, error(code)))


def test_no_code_is_both() -> None:
    assert not TRANSIENT_CODES & PERMANENT_CODES


def test_an_error_within_a_200_is_transient_if_nothing_else_is_known() -> None:
    assert is_transient(error_detail(200, {}, error("Mystery")))
    assert is_transient(error_detail(200, {}, b"<html>"))
    assert not is_transient(error_detail(400, {}, error("Mystery")))


def test_the_detail_holds_the_headers_and_the_body() -> None:
    headers = {
        "X-Amz-Request-Id": "from the header",
        "X-Amz-Id-2": "host",
        "X-Amz-Bucket-Region": "eu-west-1",
        "Retry-After": "7",
    }
    assert error_detail(503, headers, error("SlowDown", "Reduce your request rate.")) == (
        ErrorDetail(
            status=503,
            code="SlowDown",
            message="Reduce your request rate.",
            request_id="from the header",
            host_id="host",
            region="eu-west-1",
            retry_after=7.0,
        )
    )


def test_the_ids_in_the_body_win() -> None:
    detail = error_detail(403, {"x-amz-request-id": "other"}, documents.ERROR.encode())
    assert (detail.request_id, detail.host_id) == ("4442587FB7D0A2F9", "Uuag1LuByRx9e6j5Onimru9")


def test_the_region_can_be_in_the_body() -> None:
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>"
    assert error_detail(400, {}, body).region == "eu-central-1"


def test_a_response_without_a_body_has_its_status_only() -> None:
    assert error_detail(404, {}) == ErrorDetail(404)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2015 12:00:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 14:01:00 +0200", 60.0),
        ("Wed, 21 Oct 2015 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("inf", None),
        ("nan", None),
        ("1" * 400, None),
        ("Wed, 99 Oct 2015 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert error_detail(503, {"Retry-After": text, "Date": NOON}).retry_after == seconds
    assert error_detail(503, {"retry-after": text, "date": NOON}).retry_after == seconds


def test_a_date_counts_from_that_of_the_response() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2015 12:00:30 GMT"}
    assert error_detail(503, {**headers, "date": NOON}).retry_after == 30.0
    assert error_detail(503, headers).retry_after is None
    assert error_detail(503, {**headers, "date": "today"}).retry_after is None


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        (ErrorDetail(501), "Status code: 501"),
        (ErrorDetail(404, "NoSuchKey"), "Status code: 404, code: NoSuchKey"),
        (ErrorDetail(500, request_id="R"), "Status code: 500, request id: R"),
        (
            ErrorDetail(503, "SlowDown", "Reduce your request rate.", "R", "H"),
            "Status code: 503, code: SlowDown, message: Reduce your request rate., request id: R",
        ),
    ],
)
def test_the_description_holds_status_code_message_and_request_id(
    detail: ErrorDetail, text: str
) -> None:
    assert describe(detail) == text


def test_signed_requests_never_appear_in_text() -> None:
    detail = error_detail(403, {}, documents.ERROR.encode())
    for text in (repr(detail), describe(detail)):
        assert "SignatureDoesNotMatch" in text
        for secret in ("AKIAIOSFODNN7EXAMPLE", "AWS4-HMAC", "f0e8bdb87c96", "SESSIONTOKEN"):
            assert secret not in text


@pytest.mark.parametrize(
    "message",
    [
        "Authorization: AWS4-HMAC-SHA256 Credential=SEKRET/x, SignedHeaders=host, Signature=SEKRET",
        "Authorization: AWS SEKRET",
        "bad query X-Amz-Signature=SEKRET&amp;X-Amz-Security-Token=SEKRET",
        "the header x-amz-security-token: SEKRET is not valid",
        "AWSAccessKeyId=SEKRET is unknown",
        "Signature = SEKRET",
        "The MAC signature found in the HTTP request 'SEKRET=' is not the one computed.",
        "wrong signature: SharedKey account:bRbMSEKRETlhylpeTQaJKSHg0qOszZ/9ydx96pwDBt5M=",
        "unknown signer of AWS AKIDEXAMPLE:frJISEKRETRYK2hzxlmn1dCv7o0=",
    ],
)
def test_a_message_that_quotes_credentials_loses_them(message: str) -> None:
    detail = error_detail(400, {}, error("InvalidArgument", message))
    assert "SEKRET" not in repr(detail)
    assert "(hidden)" in detail.message


def test_a_message_is_one_short_line() -> None:
    detail = error_detail(400, {}, error("a\nb" * 100, "line\nline\t" + "x" * 10_000))
    assert detail.message.startswith("line line xxx")
    assert len(describe(detail)) < 700
    assert "\n" not in describe(detail)


@given(st.integers(100, 599), st.dictionaries(st.text(), st.text()), st.text())
def test_no_response_of_a_server_raises(
    status: int, headers: dict[str, str], retry_after: str
) -> None:
    detail = error_detail(status, {**headers, "retry-after": retry_after, "date": NOON})
    assert describe(detail).startswith(f"Status code: {status}")
    assert isinstance(is_transient(detail), bool)
