# SPDX-License-Identifier: Apache-2.0
"""Responses of S3: the parsed document, or an exception.

The classes are public in ``libcloud.storage.drivers.s3``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from libcloud.common.aws import AWSBaseResponse
from libcloud.common.base import RawResponse
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage import s3

if TYPE_CHECKING:
    from libcloud.storage.s3.errors import ErrorDetail

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXCERPT_LENGTH = 200

# Responses to Create, Complete and ListParts, and where they repeat the key.
_UPLOAD_RESPONSE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?"
    rb"<(?:InitiateMultipartUpload|CompleteMultipartUpload|ListParts)Result\b"
)
_REPEATED_KEY = re.compile(rb"<(Key|Location)>[^<]*</\1>")


class S3Response(AWSBaseResponse):
    """A response of S3. Error statuses that drivers handle themselves count as a success."""

    namespace: str | None = None
    valid_response_codes: Iterable[int] = [404, 409, 400, 206]

    def success(self) -> bool:
        status = int(self.status)
        return 200 <= status <= 299 or status in self.valid_response_codes

    def parse_body(self) -> Any:
        """Return the root element, or the text of an error response that is not a document of S3.

        :raises MalformedResponseError: a successful response is not a document of S3.
        """
        try:
            parsed = super().parse_body()
        except MalformedResponseError as error:
            if int(self.status) < 400:
                raise self._not_the_store() from error
            return self.body
        if int(self.status) < 400 and str(getattr(parsed, "tag", "")).lower().endswith("html"):
            raise self._not_the_store()
        return parsed

    def _not_the_store(self) -> MalformedResponseError:
        content = self._without_secrets(str(self.body))
        return s3.evidence.not_the_store(self.connection, self.status, content)

    def _document(self) -> Any:
        """Return the body for the parser, without the key that responses to uploads repeat.

        Keys may contain control characters, which stores write although XML forbids them. Those in
        listings are encoded.
        """
        document = super()._document()
        if not isinstance(document, bytes):
            return document
        if _UPLOAD_RESPONSE.match(document):
            return _REPEATED_KEY.sub(b"", document)
        return s3.nodes.with_raw_names(document)

    def error_detail(self) -> ErrorDetail:
        """Return the error in this response; see :func:`s3.errors.error_detail`."""
        return s3.errors.error_detail(int(self.status), self.headers, _bytes(self.body))

    def parse_error(self) -> Any:
        """Raise the exception for the status.

        It has the code, the message and the request id of S3 in its text and as attributes, see
        :func:`~libcloud.storage.s3.errors.attach_detail`.

        :raises InvalidCredsError: 401 and 403.
        :raises LibcloudError: any other status; for a redirect, it names the region of the bucket.
        """
        detail = self.error_detail()
        driver = getattr(self.connection, "driver", None)
        text = s3.errors.describe(detail) + self._excerpt(detail)
        if detail.status in (401, 403):
            raise s3.errors.attach_detail(InvalidCredsError(text, driver=driver), detail)
        if detail.status in _REDIRECTS:
            text = f"{_other_region(detail, driver)} {text}"
        else:
            text = f"Unknown error. {text}"
        raise s3.errors.attach_detail(LibcloudError(text, driver=driver), detail)

    def _excerpt(self, detail: ErrorDetail) -> str:
        """Return the start of a body that does not come from S3, such as the page of a proxy."""
        body = _bytes(self.body)
        if detail.code or not body:
            return ""
        # More than is shown, so that no secret is cut off before it is recognised.
        text = self._without_secrets(body[: 8 * _EXCERPT_LENGTH].decode("utf-8", "replace"))
        line = " ".join(text[:_EXCERPT_LENGTH].split())
        return f", response: {line}" + ("..." if len(body) > _EXCERPT_LENGTH else "")


class S3RawResponse(S3Response, RawResponse):
    """A response of S3 whose body is read only if it contains an error."""


def _other_region(detail: ErrorDetail, driver: Any) -> str:
    """Explain a redirect."""
    own = getattr(driver, "region_name", None) or getattr(driver, "region", None)
    if not detail.region:
        return "Requests for this bucket must be sent to another host, in its region."
    asked = f", but this driver uses {own!r}" if own else ""
    return (
        f"The bucket is in the region {detail.region!r}{asked}. "
        f"Create the driver with region={detail.region!r}."
    )


def _bytes(body: Any) -> bytes:
    return bytes(body) if isinstance(body, (bytes, bytearray)) else str(body or "").encode("utf-8")
