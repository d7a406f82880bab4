# SPDX-License-Identifier: Apache-2.0
"""A second client for the fake server: botocore's signer on ``http.client``.

It sends exactly what a test says, also nonsense, so that the fake's refusals can be seen without
the library under test.
"""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from libcloud.test.storage.fakes.server import FakeS3


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said; ``code`` is the S3 error code, ``""`` without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Of an ``<Error>`` document."""
        return self.text("Code") if b"<Error>" in self.body else ""

    def text(self, name: str) -> str:
        """The text of the first element of that name; ``""`` without one."""
        for element in ElementTree.fromstring(self.body).iter():
            if element.tag.rpartition("}")[2] == name:
                return element.text or ""
        return ""

    def texts(self, name: str) -> list[str]:
        """The texts of all elements of that name."""
        return [
            element.text or ""
            for element in ElementTree.fromstring(self.body).iter()
            if element.tag.rpartition("}")[2] == name
        ]


class _Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore is not typed
    """Signs the given payload hash."""

    digest = ""

    def payload(self, request: AWSRequest) -> str:
        """The value of ``x-amz-content-sha256``."""
        return self.digest


def boto_sign(
    server: FakeS3, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> dict[str, str]:
    """``headers`` with a signature by botocore."""
    signed = AWSRequest(method=method, url=server.url + target, data=body, headers=dict(headers))
    credentials = Credentials(server.key, server.secret, server.options.session_token)
    signer = _Signer(credentials, "s3", server.options.region or "us-east-1")
    signer.digest = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
    signer.add_auth(signed)
    return {str(name): str(value) for name, value in signed.headers.items()}


def request(
    server: FakeS3,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    sign: bool = True,
    sent_body: bytes | None = None,
) -> Reply:
    """One request on a connection of its own.

    :param sign: without, ``headers`` go out as they are.
    :param sent_body: what is really sent, when it is not what was signed.
    :raises OSError: the server reset the connection; also ``http.client.HTTPException``.
    """
    given = dict(headers or {})
    final = boto_sign(server, method, target, body, given) if sign else given
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    try:
        connection.request(method, target, body if sent_body is None else sent_body, final)
        answer = connection.getresponse()
        content = answer.read()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, content)
    finally:
        connection.close()


def complete_document(parts: list[tuple[int, str]]) -> bytes:
    """The body of Complete for part numbers and ETags, in the order given."""
    inner = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in parts
    )
    return f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()


def create_upload(
    server: FakeS3, path: str = "/bkt/key", headers: Mapping[str, str] | None = None
) -> str:
    """The id of a new upload, percent-encoded for a query."""
    reply = request(server, "POST", f"{path}?uploads", headers=headers)
    if reply.status != 200:
        raise AssertionError(f"create answered {reply}")
    return quote(reply.text("UploadId"), safe="")


def put_part(server: FakeS3, upload: str, number: int, body: bytes) -> Reply:
    """Upload one part of ``/bkt/key``."""
    return request(server, "PUT", f"/bkt/key?partNumber={number}&uploadId={upload}", body)


def send_parts(server: FakeS3, upload: str, *bodies: bytes) -> list[tuple[int, str]]:
    """Upload parts of ``/bkt/key``; their numbers and ETags."""
    return [
        (number, put_part(server, upload, number, body).headers["etag"])
        for number, body in enumerate(bodies, 1)
    ]


def complete(
    server: FakeS3,
    upload: str,
    parts: list[tuple[int, str]],
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Complete an upload of ``/bkt/key``."""
    target = f"/bkt/key?uploadId={upload}"
    return request(server, "POST", target, complete_document(parts), headers)
