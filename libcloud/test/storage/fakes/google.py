# SPDX-License-Identifier: Apache-2.0
"""What differs where the fake server is Google Cloud Storage's XML API.

Its headers begin with ``x-goog-``, and those of Amazon are refused. Inside, requests have the names
of Amazon. Reference: Google Cloud Storage, "XML API multipart uploads", "Request preconditions" and
"HTTP headers for the XML API".
"""

from __future__ import annotations

from dataclasses import replace

from libcloud.test.storage.fakes.errors import S3Error, invalid_argument
from libcloud.test.storage.fakes.wire import Answer, Incoming

GOOGLE, AMAZON = "x-goog-", "x-amz-"

_CONDITION = "x-goog-if-"
_OF_UPLOADS = ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")


def translated(request: Incoming, vendor: str) -> Incoming:
    """The request with Amazon's names of headers."""
    if vendor == AMAZON:
        return request
    return replace(
        request,
        headers=tuple((_renamed(name, GOOGLE, AMAZON), value) for name, value in request.headers),
    )


def answered(answer: Answer, vendor: str) -> Answer:
    """The answer with Google's."""
    if vendor == AMAZON:
        return answer
    return replace(
        answer,
        headers=tuple((_renamed(name, AMAZON, GOOGLE), value) for name, value in answer.headers),
    )


def check(request: Incoming, operation: str, *, exists: bool) -> None:
    """Refuse what Google refuses.

    :param exists: whether there is an object of that name.
    :raises S3Error: 400 or 412.
    """
    foreign = [name for name, _ in request.headers if name.startswith(AMAZON)]
    if foreign:
        raise invalid_argument(f"{foreign[0]}: headers of this store begin with {GOOGLE}")
    conditions = [name for name, _ in request.headers if name.startswith(_CONDITION)]
    etags = [name for name in ("if-match", "if-none-match") if request.header(name) is not None]
    if operation in _OF_UPLOADS and (conditions or etags):
        raise invalid_argument("Preconditions are not supported for multipart uploads.")
    if operation == "PutObject" and etags:
        raise invalid_argument("ETags are no preconditions of writes")
    if request.header(f"{_CONDITION}generation-match") == "0" and exists:
        raise S3Error(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold.",
        )


def _renamed(name: str, old: str, new: str) -> str:
    return new + name[len(old) :] if name.lower().startswith(old) else name
