# SPDX-License-Identifier: Apache-2.0
"""Whether a successful response of a request is what the operation returns."""

from __future__ import annotations

from typing import Any

from libcloud.common.request import HttpRequest
from libcloud.common.types import MalformedResponseError
from libcloud.storage import drivers, s3api
from libcloud.storage.drivers.s3_calls import text_of

__all__ = ["is_proven", "not_the_store"]


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
        evidence = s3api.evidence
        is_page = evidence.is_page_of_object if of_object else evidence.is_page_of_bucket
        if is_page(response.headers):
            error = not_the_store(connection, what, response.status, "")
            vars(error)["transient"] = False  # nothing was changed, and a console stays one
            raise error
        return True
    content = text_of(response.body)
    if not content:
        return True
    root = response.object
    if s3api.xml.parse_error(content.encode() if isinstance(root, str) else root) is not None:
        return False
    if s3api.operations.returns_no_content(request) and s3api.evidence.unexpected_content(
        request.method, content, etag=response.headers.get("etag", "")
    ):
        raise not_the_store(connection, what, response.status, content)
    return True


def not_the_store(connection: Any, what: str, status: int, content: str) -> MalformedResponseError:
    """The error for a response that cannot be the store's.

    :param what: the operation.
    :param content: the start of the body; empty for the response to a HEAD request.
    """
    error = drivers.s3_connection.not_the_store(connection, status, content)
    error.value = f"{what}: {error.value}"
    return error
