# SPDX-License-Identifier: Apache-2.0
"""Responses of S3: the parsed document, or an exception; and whether a success can be the store's.

The classes are public in ``libcloud.storage.drivers.s3``.

The console of a store, a proxy or a login page returns a web page with 200 for every request. The
operations that return no content would pass for successful then: PutObject, UploadPart,
CreateBucket, the deletions and AbortMultipartUpload. The others return a document that their parser
knows by its root element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.common.aws import AWSBaseResponse
from libcloud.common.base import RawResponse
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage import s3, transfer
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.s3.errors import ErrorDetail
    from libcloud.storage.s3.nodes import ScannedPage

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

# Responses to Create, Complete and ListParts, and where they repeat the key.
_UPLOAD_RESPONSE = (
    rb"\s*(?:<\?xml[^>]*>\s*)?"
    rb"<(?:InitiateMultipartUpload|CompleteMultipartUpload|ListParts)Result\b"
)
_REPEATED_KEY = rb"<(Key|Location)>[^<]*</\1>"

# What a response about an object carries; a web page that has none of these is not an object.
_OF_OBJECTS = ("etag", "last-modified", "x-amz-", "x-goog-")

_ROOT = r"(?s)(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?(?P<name>[A-Za-z][\w.-]*)"

# Some servers return a document anyway: moto returns CreateBucketResponse for CreateBucket.
_DOCUMENTS = {"PUT": ("Put", "Upload", "Create"), "DELETE": ("Delete", "Abort")}

_SHOWN = 120
_LOOKED_AT = 1024


class S3Response(AWSBaseResponse):
    """A response of S3. Error statuses that drivers handle themselves count as a success."""

    namespace: str | None = None
    valid_response_codes: Iterable[int] = [404, 409, 400, 206]

    page: ScannedPage | None = None
    """The page of a listing of objects, if it has the usual form."""

    _object: Any = None

    def success(self) -> bool:
        status = int(self.status)
        return 200 <= status <= 299 or status in self.valid_response_codes

    @property
    def object(self) -> Any:
        """The result of :meth:`parse_body`; a page of a listing is parsed at the first access."""
        if self._object is None and self.page is not None:
            self._object = self.parse_body()
        return self._object

    @object.setter
    def object(self, value: Any) -> None:
        self._object = value

    def _parse(self) -> None:
        if type(self).parse_body is S3Response.parse_body:
            if self._content == b"" and not self.parse_zero_length_body:
                self._object = self.body
                return
            self.page = s3.nodes.scan(self._content)
        if self.page is None:
            super()._parse()

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
        return not_the_store(self.connection, self.status, content)

    def _document(self) -> Any:
        """Return the body for the parser, without the key that responses to uploads repeat.

        Keys may contain control characters, which stores write although XML forbids them. Those in
        listings are encoded.
        """
        document = super()._document()
        if not isinstance(document, bytes):
            return document
        if re.match(_UPLOAD_RESPONSE, document):
            return re.sub(_REPEATED_KEY, b"", document)
        return s3.nodes.with_raw_names(document)

    def error_detail(self) -> ErrorDetail:
        body = self._without_secrets(text_of(self.body))
        content = body.encode("utf-8", "replace")
        detail = s3.errors.error_detail(int(self.status), self.headers, content)
        if not body or detail.code or detail.message:
            return detail
        return replace(detail, message=s3.errors.words_of(body))

    def parse_error(self) -> Any:
        """Raise the exception for the status, with the details of S3.

        :raises InvalidCredsError: 401 and 403.
        :raises LibcloudError: any other status; for a redirect, it names the region of the bucket.
        """
        detail = self.error_detail()
        driver = getattr(self.connection, "driver", None)
        text = s3.errors.describe(detail)
        if detail.status in (401, 403):
            raise s3.errors.attach_detail(InvalidCredsError(text, driver=driver), detail)
        if detail.status in _REDIRECTS:
            location = self.headers.get("location", "")
            text = f"{_other_region(detail, driver, location)} {text}"
        else:
            text = f"Unknown error. {text}"
        raise s3.errors.attach_detail(LibcloudError(text, driver=driver), detail)


class S3RawResponse(S3Response, RawResponse):
    """A response of S3 whose body is read only if it contains an error."""


def _other_region(detail: ErrorDetail, driver: Any, location: str) -> str:
    own = getattr(driver, "region_name", None) or getattr(driver, "region", None)
    if not detail.region:
        origin = re.match(r"https?://[\w.:\[\]-]+(?=[/?]|$)", location, re.ASCII)
        to = f"to {origin[0]}" if origin else "to another host, in its region"
        return f"Requests for this bucket must be sent {to}."
    asked = f", but this driver uses {own!r}" if own else ""
    return (
        f"The bucket is in the region {detail.region!r}{asked}. "
        f"Create the driver with region={detail.region!r}."
    )


def unexpected_content(method: str, content: str, *, etag: str = "") -> bool:
    """Whether the body cannot be the store's response to a PUT or DELETE that returns no content.

    :param etag: of the response: a store that names one has stored the data, whatever document it
        returns, unless that is a web page.
    """
    content = content.lstrip("\ufeff \t\r\n")
    if not content:
        return False
    root = re.match(_ROOT, content)
    if root is None or root["name"].lower() == "html":
        return True
    return not etag and not root["name"].startswith(_DOCUMENTS[method])


def is_page_of_object(headers: Mapping[str, str]) -> bool:
    """Whether the response to HeadObject is about a web page, even an empty one, and no object."""
    kind = headers.get("content-type", "").lower()
    is_html = "html" in kind and kind.partition(";")[0].strip() in transfer.client.HTML
    return is_html and not names_object(headers)


def names_object(headers: Mapping[str, str]) -> bool:
    """Whether the response has a header that only stores send (names in lower case)."""
    return any(name.startswith(_OF_OBJECTS) for name in headers)


def confirmed(
    response: Any, size: int, look: Callable[[], Any], *, label: str, driver: Any
) -> Mapping[str, str]:
    """The headers of a successful upload; of a HEAD request if these cannot be the store's.

    A captive portal or a misconfigured proxy may respond to all requests with an empty 200. A store
    that has Amazon's ETags names them.

    :param look: sends the HEAD request.
    """
    found: Mapping[str, str] = response.headers
    if "etag" in found or not driver.profile.multipart_etag or names_object(found):
        return found
    response = look()
    found = response.headers
    named = names_object(found)  # an empty response is no proof of an empty object
    length = found.get("content-length", str(size) if named else "")
    if response.status == 404 or length != str(size) or not (size or named):
        raise MalformedResponseError(
            f"Error uploading {label}: the response reports success without an ETag, and there is "
            f"no object of {size} bytes. Is another server in the way of the store?",
            driver=driver,
        )
    return found


def is_not_s3(content: str) -> bool:
    """Whether the start of a body is from something else than a store; one cut short is not."""
    content = content.lstrip("\ufeff \t\r\n")
    root = re.match(_ROOT, content)
    return root["name"].lower() == "html" if root else not content.startswith("<?xml")


def is_valid(connection: Any, request: HttpRequest, response: Any, what: str) -> bool:
    """Whether the content of ``response`` agrees with its status, if that is a success.

    It does not if the body is an ``<Error>``: a response may begin with 200 and be one all the same
    (Amazon S3 API Reference, "CompleteMultipartUpload").

    :raises MalformedResponseError: the response cannot be the store's.
    """
    if not 200 <= int(response.status) < 300:
        return True
    if request.method == "HEAD":
        of_object = "/" in request.path.strip("/")
        found = response.headers
        # The type alone does not decide: frameworks name it even for an empty body.
        if is_page_of_object(found) if of_object else transfer.client.is_web_page(found, ()):
            error = not_the_store(connection, response.status, "", what)
            vars(error)["transient"] = False  # nothing was changed, and a console stays one
            raise error
        return True
    if page_of(response) is not None:
        return True
    content = text_of(response.body) if response.body else ""
    if not content:
        return True
    root = response.object
    if s3.responses.parse_error(content.encode() if isinstance(root, str) else root) is not None:
        return False
    if s3.requests.returns_no_content(request) and unexpected_content(
        request.method, content, etag=response.headers.get("etag", "")
    ):
        raise not_the_store(connection, response.status, content, what)
    return True


def not_the_store(
    connection: Any, status: int, content: str, what: str = ""
) -> MalformedResponseError:
    """The error for a success that is not the store's; ``content``: the start of the body."""
    scheme = "https" if getattr(connection, "secure", False) else "http"
    host = getattr(connection, "host", None) or ""
    host = f"[{host}]" if ":" in host else host
    endpoint = f"{scheme}://{host}:{getattr(connection, 'port', '')}".rstrip(":")
    shown = repr(s3.errors.printable(content[:_LOOKED_AT], _SHOWN)) if content else "a web page"
    text = (
        f"{what}{': ' if what else ''}the response has status {int(status)} and is not a response "
        f"of S3: {shown}. Is {endpoint} the endpoint of the store's API, and not its web console, "
        "a proxy or a login page?"
    )
    error = MalformedResponseError(text, driver=getattr(connection, "driver", None))
    vars(error)["is_page"] = is_not_s3(content)
    return error


def page_of(response: object) -> Any:
    """The page of a listing in ``response``; ``None`` if it has none or its class is not ours."""
    return response.page if isinstance(response, S3Response) else None


def text_of(body: object) -> str:
    """The body of a response as text, which may be of a class that is not ours."""
    if isinstance(body, (bytes, bytearray)):
        return body.decode("utf-8", "replace")
    return str(body or "")


def etag_of_part(response: Any, what: str, driver: object) -> str:
    """The ETag of a part, which Complete must name. Without one, the part can be sent again."""
    etag = strip_etag(response.headers.get("etag", ""))
    if not etag:
        raise MalformedResponseError(f"{what}: the response has no ETag", driver=driver)
    return etag
