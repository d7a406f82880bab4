# SPDX-License-Identifier: Apache-2.0
"""URLs that carry their own authorization."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from libcloud.common.credentials import Credentials
from libcloud.common.request import HttpRequest
from libcloud.common.signing.sigv4 import MAX_PRESIGN_SECONDS, Scope, presign
from libcloud.storage.s3 import requests
from libcloud.storage.s3.endpoint import Endpoint

# The example of the Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters
# (AWS Signature Version 4)".
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
WHEN = datetime(2013, 5, 24, tzinfo=timezone.utc)


def url_of(
    request: HttpRequest,
    *,
    endpoint: Endpoint | None = None,
    credentials: Credentials = EXAMPLE,
    when: datetime = WHEN,
    expires: int = 86400,
) -> str:
    endpoint = endpoint or Endpoint("examplebucket.s3.amazonaws.com")
    target = presign(
        request,
        credentials=credentials,
        scope=Scope("us-east-1", "s3"),
        when=when,
        expires=expires,
        host=endpoint.authority,
    )
    return f"{endpoint.scheme}://{endpoint.authority}{target}"


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_example_of_the_reference() -> None:
    assert url_of(requests.get_object("/test.txt")) == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_the_session_token_is_part_of_the_url_and_of_the_signature() -> None:
    request = requests.get_object("/b/k")
    with_token = url_of(request, credentials=Credentials(EXAMPLE.key, EXAMPLE.secret, "t/o+k=n"))
    assert query_of(with_token)["X-Amz-Security-Token"] == "t/o+k=n"
    without = query_of(url_of(request))
    assert "X-Amz-Security-Token" not in without
    assert query_of(with_token)["X-Amz-Signature"] != without["X-Amz-Signature"]


@pytest.mark.parametrize("expires", [1, MAX_PRESIGN_SECONDS])
def test_a_url_is_valid_for_up_to_7_days(expires: int) -> None:
    assert query_of(url_of(requests.get_object("/b/k"), expires=expires))["X-Amz-Expires"] == str(
        expires
    )


@pytest.mark.parametrize("expires", [-1, 0, MAX_PRESIGN_SECONDS + 1])
def test_a_url_valid_for_any_other_time_is_refused(expires: int) -> None:
    with pytest.raises(ValueError, match="7 days"):
        url_of(requests.get_object("/b/k"), expires=expires)


@pytest.mark.parametrize(
    ("endpoint", "begin"),
    [
        (Endpoint("h"), "https://h/"),
        (Endpoint("h", port=443), "https://h/"),
        (Endpoint("h", port=9000), "https://h:9000/"),
        (Endpoint("h", port=80), "https://h:80/"),
        (Endpoint("h", secure=False), "http://h/"),
        (Endpoint("h", secure=False, port=80), "http://h/"),
        (Endpoint("127.0.0.1", secure=False, port=443), "http://127.0.0.1:443/"),
        (Endpoint("::1", port=9000), "https://[::1]:9000/"),
        (Endpoint("[::1]"), "https://[::1]/"),
    ],
)
def test_the_url_names_the_port_unless_it_is_the_schemes_own(
    endpoint: Endpoint, begin: str
) -> None:
    assert url_of(requests.get_object("/b/k"), endpoint=endpoint).startswith(f"{begin}b/k?")


def signature(endpoint: Endpoint) -> str:
    return query_of(url_of(requests.get_object("/b/k"), endpoint=endpoint))["X-Amz-Signature"]


def test_the_signature_covers_the_port_that_a_client_sends() -> None:
    assert signature(Endpoint("h", port=9000)) != signature(Endpoint("h"))
    assert signature(Endpoint("h", port=443)) == signature(Endpoint("h"))
    assert signature(Endpoint("h", secure=False, port=443)) != signature(Endpoint("h"))


def test_the_path_is_kept_as_it_is() -> None:
    url = url_of(requests.get_object("/b/a//b/../c%20d"))
    assert urlsplit(url).path == "/b/a//b/../c%20d"


def test_any_request_can_be_presigned_with_its_query_and_headers() -> None:
    part = requests.put_part("/b/k", upload_id="U+", number=2, body=b"")
    assert url_of(part).startswith(
        "https://examplebucket.s3.amazonaws.com/b/k?partNumber=2&uploadId=U%2B&X-Amz-Algorithm="
    )
    put = requests.put_object("/b/k", headers={"Content-Type": "text/plain", "X-Other": "x"})
    assert query_of(url_of(put))["X-Amz-SignedHeaders"] == "content-type;host"
    assert url_of(put) != url_of(requests.get_object("/b/k"))


def test_the_date_is_in_utc() -> None:
    request = requests.get_object("/b/k")
    moved = WHEN.astimezone(timezone(timedelta(hours=5)))
    assert url_of(request, when=moved) == url_of(request)
