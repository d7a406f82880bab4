# SPDX-License-Identifier: Apache-2.0
"""Whether a response with a status of success can be the store's.

The console of a store, a proxy or a login page answers every request with 200 and a web page. The
operations that return no content would pass for successful then: PutObject, UploadPart,
CreateBucket, the deletions and AbortMultipartUpload. The others return a document that their parser
knows by its root element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage.s3 import requests, responses
from libcloud.storage.s3.errors import printable

_HTML = ("text/html", "application/xhtml+xml")

# What a response about an object carries; a web page that has none of these is not an object.
_OF_OBJECTS = ("etag", "last-modified", "x-amz-", "x-goog-")

_ROOT = re.compile(
    r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?(?P<name>[A-Za-z][\w.-]*)", re.DOTALL
)

# Some servers return a document all the same: moto answers CreateBucket by CreateBucketResponse.
_DOCUMENTS = {"PUT": ("Put", "Upload", "Create"), "DELETE": ("Delete", "Abort")}

_SHOWN = 120
_LOOKED_AT = 1024


def unexpected_content(method: str, content: str, *, etag: str = "") -> bool:
    """Whether ``content`` cannot be the store's answer to a request that returns no content.

    :param method: ``"PUT"`` or ``"DELETE"``.
    :param content: the body, or the start of it.
    :param etag: of the response: a store that names one has stored the data, whatever document it
        returns, unless that is a web page.
    """
    content = content.lstrip("\ufeff \t\r\n")
    if not content:
        return False
    root = _ROOT.match(content)
    if root is None or root["name"].lower() == "html":
        return True
    return not etag and not root["name"].startswith(_DOCUMENTS[method])


def is_page_of_bucket(headers: Mapping[str, str]) -> bool:
    """Whether the response to HeadBucket describes a web page.

    The type alone does not decide: frameworks name it even for an empty body.

    :param headers: names in lower case.
    """
    return _names_html(headers) and headers.get("content-length", "") != "0"


def is_page_of_object(headers: Mapping[str, str]) -> bool:
    """Whether the response to HeadObject describes a web page that is not an object.

    :param headers: names in lower case.
    """
    return _names_html(headers) and not any(name.startswith(_OF_OBJECTS) for name in headers)


def is_foreign(content: str) -> bool:
    """Whether ``content`` is from something else than a store; a document cut short is not.

    :param content: the start of a body; empty for the response to a HEAD request.
    """
    content = content.lstrip("\ufeff \t\r\n")
    root = _ROOT.match(content)
    return root["name"].lower() == "html" if root else not content.startswith("<?xml")


def describe_page(status: int, content: str, endpoint: str) -> str:
    """What to tell the user of a response that is not the store's.

    :param content: the body, or the start of it; empty for the response to a HEAD request.
    :param endpoint: the URL of the store.
    """
    shown = repr(printable(content[:_LOOKED_AT], _SHOWN)) if content else "a web page"
    return (
        f"the response has status {status} and is not a response of S3: {shown}. Is {endpoint} "
        "the endpoint of the store's API, and not its web console, a proxy or a login page?"
    )


def _names_html(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() in _HTML


def is_proven(connection: Any, request: HttpRequest, response: Any, what: str) -> bool:
    """Whether the content of ``response`` agrees with its status, if that is a success.

    :param what: the operation, for messages.
    :return: ``False`` if the body is an ``<Error>``: a response may begin with 200 and be one all
        the same (Amazon S3 API Reference, "CompleteMultipartUpload").
    :raises MalformedResponseError: the response cannot be the store's.
    """
    if not 200 <= int(response.status) < 300:
        return True
    if request.method == "HEAD":
        of_object = "/" in request.path.strip("/")
        is_page = is_page_of_object if of_object else is_page_of_bucket
        if is_page(response.headers):
            error = not_the_store(connection, response.status, "", what)
            vars(error)["transient"] = False  # nothing was changed, and a console stays one
            raise error
        return True
    content = text_of(response.body)
    if not content:
        return True
    root = response.object
    if responses.parse_error(content.encode() if isinstance(root, str) else root) is not None:
        return False
    if requests.returns_no_content(request) and unexpected_content(
        request.method, content, etag=response.headers.get("etag", "")
    ):
        raise not_the_store(connection, response.status, content, what)
    return True


def not_the_store(
    connection: Any, status: int, content: str, what: str = ""
) -> MalformedResponseError:
    """The error for a response with a status of success that is not the store's.

    :param content: the start of the body; empty for the response to a HEAD request.
    :param what: the operation, for the message.
    """
    scheme = "https" if getattr(connection, "secure", False) else "http"
    host = getattr(connection, "host", None) or ""
    host = f"[{host}]" if ":" in host else host
    endpoint = f"{scheme}://{host}:{getattr(connection, 'port', '')}".rstrip(":")
    text = describe_page(int(status), content, endpoint)
    text = f"{what}: {text}" if what else text
    error = MalformedResponseError(text, driver=getattr(connection, "driver", None))
    vars(error)["is_page"] = is_foreign(content)
    return error


def text_of(body: object) -> str:
    """The body of a response as text, which may be of a class that is not ours."""
    return (
        body.decode("utf-8", "replace") if isinstance(body, (bytes, bytearray)) else str(body or "")
    )
