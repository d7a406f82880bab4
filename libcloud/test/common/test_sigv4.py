# SPDX-License-Identifier: Apache-2.0
"""Version 4 signatures: Amazon's published examples, and botocore as a second opinion."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import string
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest
from libcloud.common.signing import sigv4

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EXAMPLE = Credentials(KEY, SECRET)
HOST = "examplebucket.s3.amazonaws.com"
SCOPE = sigv4.Scope("us-east-1")
WHEN = datetime(2013, 5, 24, tzinfo=timezone.utc)


def signature(headers: dict[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]


def signed_names(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]


def sign_headers(
    request: HttpRequest, *, credentials: Credentials, scope: sigv4.Scope, when: datetime
) -> dict[str, str]:
    """The headers that sign ``request``."""
    given = {name.lower(): value for name, value in request.headers.items()}
    stamp = sigv4.stamp_of(when)
    payload_hash = given.get("x-amz-content-sha256") or sigv4.payload_hash_of(request.body)
    added = {"x-amz-date": stamp, "x-amz-content-sha256": payload_hash}
    if credentials.token:
        added["x-amz-security-token"] = credentials.token
    added["authorization"] = sigv4.sign(
        request.method,
        request.path,
        request.params,
        headers=sigv4.headers_to_sign({**given, **added}),
        payload_hash=payload_hash,
        key_id=credentials.key,
        secret=credentials.secret,
        scope=scope,
        stamp=stamp,
        keys=sigv4.SigningKeys(),
    )
    return added


def example(**request: object) -> dict[str, str]:
    asked = HttpRequest(**request)  # type: ignore[arg-type]  # fields of the example
    return sign_headers(asked, credentials=EXAMPLE, scope=SCOPE, when=WHEN)


# Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
# Payload in a Single Chunk", "Examples: Signature Calculations".


def test_the_published_get_object_example() -> None:
    headers = example(method="GET", path="/test.txt", headers={"Host": HOST, "Range": "bytes=0-9"})
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    assert headers["x-amz-date"] == "20130524T000000Z"


def test_the_published_put_object_example() -> None:
    headers = example(
        method="PUT",
        path="/test%24file.text",
        headers={
            "Host": HOST,
            "Date": "Fri, 24 May 2013 00:00:00 GMT",
            "x-amz-storage-class": "REDUCED_REDUNDANCY",
        },
        body=b"Welcome to Amazon S3.",
    )
    assert headers["x-amz-content-sha256"] == (
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    )
    assert signature(headers) == (
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


def test_the_published_bucket_lifecycle_example_has_a_bare_key() -> None:
    headers = example(method="GET", path="/", params=(("lifecycle", None),), headers={"Host": HOST})
    assert signature(headers) == (
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )


def test_the_published_list_objects_example() -> None:
    headers = example(
        method="GET", path="/", params=(("prefix", "J"), ("max-keys", "2")), headers={"Host": HOST}
    )
    assert signature(headers) == (
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_the_published_presigned_example() -> None:
    target = sigv4.presign(
        HttpRequest("GET", "/test.txt"),
        credentials=EXAMPLE,
        scope=SCOPE,
        when=WHEN,
        expires=86400,
        host=HOST,
    )
    assert target == (
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


# What is signed, and what is not.


def test_headers_that_proxies_rewrite_are_not_signed() -> None:
    headers = example(
        method="PUT",
        path="/k",
        headers={
            "Host": HOST,
            "User-Agent": "a",
            "Accept-Encoding": "gzip,deflate",
            "Connection": "keep-alive",
            "Content-Length": "3",
            "Content-Type": "text/plain",
            "Content-MD5": "kAFQmDzST7DWlj99KOF/cg==",
            "X-Amz-Meta-A": "1",
        },
        body=b"abc",
    )
    assert signed_names(headers) == (
        "content-md5;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a"
    )


def test_repeated_spaces_in_a_value_are_signed_as_one() -> None:
    def sign(value: str) -> str:
        return signature(
            example(method="PUT", path="/k", headers={"Host": HOST, "x-amz-meta-a": value})
        )

    assert sign("  a   b ") == sign("a b")
    assert sign("a b") != sign("ab")


def test_the_session_token_is_a_signed_header() -> None:
    headers = sign_headers(
        HttpRequest("GET", "/", headers={"Host": HOST}),
        credentials=Credentials(KEY, SECRET, "session"),
        scope=SCOPE,
        when=WHEN,
    )
    assert headers["x-amz-security-token"] == "session"
    assert "x-amz-security-token" in signed_names(headers)


@pytest.mark.parametrize("body", [b"abc", bytearray(b"abc"), memoryview(b"abc"), "abc"])
def test_any_buffer_has_a_payload_hash(body: bytes | bytearray | memoryview | str) -> None:
    assert sigv4.payload_hash_of(body) == hashlib.sha256(b"abc").hexdigest()


def test_no_body_has_the_hash_of_no_bytes() -> None:
    assert sigv4.payload_hash_of(None) == hashlib.sha256(b"").hexdigest()


def test_times_in_another_zone_are_signed_as_utc() -> None:
    there = datetime(2013, 5, 24, 1, tzinfo=timezone(timedelta(hours=1)))
    assert SCOPE.on(there) == SCOPE.on(WHEN) == SCOPE.on(datetime(2013, 5, 24))


def test_keys_are_derived_once_a_day_and_scope() -> None:
    keys = sigv4.SigningKeys()
    with mock.patch.object(sigv4, "_key_of_day", wraps=sigv4._key_of_day) as derive:
        for text in ("a", "b"):
            keys.sign(text, secret="s", day="20130524", scope=SCOPE)
    assert derive.call_count == 1


def test_a_kept_key_signs_as_one_that_was_just_derived() -> None:
    keys = sigv4.SigningKeys()
    for text in ("a", "b", "a"):
        key = sigv4._key_of_day("s", "20130524", SCOPE)
        expected = hmac.new(key, text.encode(), "sha256").hexdigest()
        assert keys.sign(text, secret="s", day="20130524", scope=SCOPE) == expected


def test_a_kept_key_signs_for_its_day_and_scope_only() -> None:
    keys = sigv4.SigningKeys()
    own = ("s", "20130524", "us-east-1")
    others = (("t", *own[1:]), ("s", "20130525", "us-east-1"), (*own[:2], "eu-west-1"))
    signed = [
        keys.sign("a", secret=secret, day=day, scope=sigv4.Scope(region))
        for other in others
        for secret, day, region in (own, other)  # each differs from the one before in one respect
    ]
    assert len(set(signed)) == 4


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda keys: pickle.loads(pickle.dumps(keys))], ids=["copy", "pickle"]
)
def test_a_copied_provider_fetches_its_own_keys(copied: Callable[[Any], Any]) -> None:
    keys = sigv4.SigningKeys()
    signed = keys.sign("a", secret="secret", day="20130524", scope=SCOPE)
    assert b"secret" not in pickle.dumps(keys)
    with mock.patch.object(sigv4, "_key_of_day", wraps=sigv4._key_of_day) as derive:
        assert copied(keys).sign("a", secret="secret", day="20130524", scope=SCOPE) == signed
    assert derive.call_count == 1


def test_of_a_header_that_is_there_in_two_cases_the_last_one_is_signed() -> None:
    # So does what sends them.
    headers = {"X-Amz-Meta-A": "z", "x-amz-meta-a": "b", "Range": " bytes=0-1  "}
    assert sigv4.headers_to_sign(headers) == {"range": "bytes=0-1", "x-amz-meta-a": "b"}


@pytest.mark.parametrize(
    ("when", "stamp"),
    [
        (datetime(2026, 2, 3, 4, 5, 6, 999999, timezone.utc), "20260203T040506Z"),
        (datetime(2026, 2, 3, 4, 5, 6), "20260203T040506Z"),
        (datetime(2026, 2, 3, 0, 5, 6, tzinfo=timezone(timedelta(hours=1))), "20260202T230506Z"),
        (datetime(1969, 12, 31, 23, 59, 58, 5, timezone.utc), "19691231T235958Z"),
    ],
    ids=["fraction", "naive", "zone", "before 1970"],
)
def test_a_stamp_is_the_second_in_utc(when: datetime, stamp: str) -> None:
    assert sigv4.stamp_of(when) == stamp


def test_no_representation_shows_a_secret() -> None:
    keys = sigv4.SigningKeys()
    keys.sign("a", secret="top-secret", day="20130524", scope=SCOPE)
    shown = repr(Credentials("id", "top-secret", "session-token")) + repr(keys)
    assert "top-secret" not in shown
    assert "session-token" not in shown


@pytest.mark.parametrize("expires", [0, -1, 7 * 24 * 3600 + 1])
def test_a_url_cannot_be_valid_for_longer_than_a_week(expires: int) -> None:
    with pytest.raises(ValueError, match="7 days"):
        sigv4.presign(
            HttpRequest("GET", "/k"),
            credentials=EXAMPLE,
            scope=SCOPE,
            when=WHEN,
            expires=expires,
            host=HOST,
        )


# botocore signs what it is given, as a black box, at the same moment.

_VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
_NAMES = st.text(string.ascii_letters + string.digits + "-_.~", min_size=1, max_size=12)
_PATHS = _TEXT.map(lambda name: "/bucket/" + quote(name, safe="/~-._"))
_PARAMS = st.dictionaries(_NAMES, st.none() | _TEXT, max_size=4).map(lambda d: tuple(d.items()))
_META = st.dictionaries(
    st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=8),
    _VALUE.map(str.strip),
    max_size=3,
).map(lambda d: {f"x-amz-meta-{name.lower()}": value for name, value in d.items()})
_WHENS = st.datetimes(
    min_value=datetime(2015, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(timezone.utc)
).map(lambda when: when.replace(microsecond=0))
_SECRETS = st.text(string.ascii_letters + string.digits + "/+", min_size=1, max_size=40)
_HOSTS = st.sampled_from(["s3.example.org", "127.0.0.1:9000", "b.s3.eu-west-1.amazonaws.com"])


def _boto_request(request: HttpRequest, host: str) -> AWSRequest:
    return AWSRequest(
        method=request.method,
        url=f"http://{host}{request.target}",
        headers={**request.headers},
        data=request.body or b"",
    )


@given(
    path=_PATHS,
    params=_PARAMS,
    meta=_META,
    when=_WHENS,
    secret=_SECRETS,
    token=st.none() | st.text(string.ascii_letters, min_size=1),
    host=_HOSTS,
    body=st.binary(max_size=50),
)
def test_botocore_signs_headers_alike(
    path: str,
    params: tuple[tuple[str, str | None], ...],
    meta: dict[str, str],
    when: datetime,
    secret: str,
    token: str | None,
    host: str,
    body: bytes,
) -> None:
    request = HttpRequest("PUT", path, params, meta, body)
    theirs = _boto_request(request, host)
    theirs.context["client_config"] = Config(s3={"payload_signing_enabled": True})
    with mock.patch("botocore.auth.get_current_datetime", return_value=when.replace(tzinfo=None)):
        S3SigV4Auth(BotoCredentials(KEY, secret, token), "s3", "eu-west-1").add_auth(theirs)
    ours = sign_headers(
        HttpRequest("PUT", path, params, {**meta, "host": host}, body),
        credentials=Credentials(KEY, secret, token),
        scope=sigv4.Scope("eu-west-1"),
        when=when,
    )
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert ours["x-amz-content-sha256"] == theirs.headers["X-Amz-Content-SHA256"]


@given(
    path=_PATHS,
    params=_PARAMS,
    when=_WHENS,
    secret=_SECRETS,
    token=st.none() | st.text(string.ascii_letters, min_size=1),
    host=_HOSTS,
    method=st.sampled_from(["GET", "PUT", "HEAD"]),
    expires=st.integers(1, 604800),
)
def test_botocore_presigns_alike(
    path: str,
    params: tuple[tuple[str, str | None], ...],
    when: datetime,
    secret: str,
    token: str | None,
    host: str,
    method: str,
    expires: int,
) -> None:
    theirs = _boto_request(HttpRequest(method, path, params), host)
    with mock.patch("botocore.auth.get_current_datetime", return_value=when.replace(tzinfo=None)):
        S3SigV4QueryAuth(
            BotoCredentials(KEY, secret, token), "s3", "eu-west-1", expires=expires
        ).add_auth(theirs)
    ours = sigv4.presign(
        HttpRequest(method, path, params),
        credentials=Credentials(KEY, secret, token),
        scope=sigv4.Scope("eu-west-1"),
        when=when,
        expires=expires,
        host=host,
    )
    assert urlsplit(ours).path == path
    query = parse_qs(urlsplit(ours).query, keep_blank_values=True)
    assert query == parse_qs(urlsplit(theirs.url).query, keep_blank_values=True)
