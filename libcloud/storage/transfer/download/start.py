# SPDX-License-Identifier: Apache-2.0
"""The first response of a download: the request, and the check of the response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from libcloud.common.request import HttpRequest
from libcloud.common.response import RawResponse
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Object
from libcloud.storage.transfer.client import StoreClient
from libcloud.storage.transfer.download.body import ResumableBody, disable_decoding, pin
from libcloud.storage.transfer.download.port import (
    Extent,
    RangeRequests,
    UnexpectedExtentError,
    Validator,
    Verification,
    extent_of,
)
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    MissingContainerError,
    ObjectChangedError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.arguments import size_of
from libcloud.utils.headers import strip_etag

AS_STORED = {"Accept-Encoding": "identity"}
"""Requests the bytes as they are stored: the object's size and hash are those of these bytes."""

_RANGE_NOT_SATISFIABLE = 416


class Selection(NamedTuple):
    """Which bytes of an object to download.

    :param start: first byte; ``None`` for the whole object; negative for the last bytes.
    :param end: the byte after the last one; ``None`` for the end of the object.
    :param range_header: the value of the ``Range`` header for them; empty for the whole object.
    :param verify: for a whole object; see ``download_object`` of the driver.
    :param validator: the version to download; ``None``: any.
    """

    start: int | None = None
    end: int | None = None
    range_header: str = ""
    verify: bool | None = False
    validator: Validator | None = None


class Download(NamedTuple):
    """A response whose body has not been read, and its length, if known."""

    response: Any
    length: int | None


def validator_of(obj: Object) -> Validator:
    """The validator of the version of ``obj``, an object of a driver of this library."""
    etag = obj.extra.get("etag") or (f'"{obj.hash}"' if obj.hash else "")
    modified = obj.extra.get("last_modified")
    is_http_date = isinstance(modified, str) and modified.endswith("GMT")
    return Validator(str(etag), str(modified) if is_http_date else "", known_size(obj))


def raise_if_changed(error: LibcloudError, obj: Object, selection: Selection) -> None:
    """Translate an error of the first request for the version that was selected, if it is one."""
    if isinstance(error, (PreconditionFailedError, ObjectDoesNotExistError)):
        if selection.validator is not None:
            raise changed(obj, "was replaced or deleted") from error
    elif isinstance(error, ContainerDoesNotExistError):
        raise MissingContainerError.of(error, obj.name) from error
    elif getattr(error, "status", None) == _RANGE_NOT_SATISFIABLE:
        size = known_size(obj)
        if size is not None and (selection.start or 0) < size:
            raise changed(obj, f"is shorter than the {size} bytes that it had") from error


def check_response(
    obj: Object, response: Any, selection: Selection, what: str, *, transcoded: bool = False
) -> Extent:
    """Compare a response with what was requested, and with what is known of the object.

    :param transcoded: the size of the body is not that of the object.
    :raises ObjectChangedError: it is of another version.
    :raises MalformedResponseError: it contains other bytes than those requested.
    """
    headers, size = response.headers, known_size(obj)
    if selection.validator is not None and not selection.validator.agrees(headers, None):
        raise changed(obj, "was replaced")
    try:
        extent = extent_of(
            response.status, headers, start=selection.start, end=selection.end, size=size
        )
    except UnexpectedExtentError as error:
        raise MalformedResponseError(f"{what}: {error}", driver=obj.driver) from error
    if None in (size, extent.total) or size == extent.total:
        return extent
    etag = strip_etag(headers.get("etag", ""))
    if obj.hash and etag in ("", obj.hash) and not transcoded:
        text = f"{what}: it has {size} bytes, and the response says {extent.total}"
        raise MalformedResponseError(text, driver=obj.driver)
    if selection.start is None:
        return extent  # the whole of another version
    raise changed(obj, f"has {extent.total} bytes, not the {size} that it had")


def request_download(
    client: StoreClient[Any],
    obj: Object,
    request: HttpRequest,
    selection: Selection,
    *,
    examine: Callable[[Any], Verification | None],
    label: str = "",
    range_header: str = "Range",
    omitted: str = "",
    condition: Callable[[dict[str, str]], dict[str, str]] = dict,
    encoding_header: str = "",
) -> Download:
    """Request the bytes of ``obj``; reading them resumes after the connection breaks, if possible.

    :param request: GET of the whole object.
    :param examine: returns the checksum that the bytes must have, by the response, or raises.
    :param label: of the object, for messages; empty: its name.
    :param encoding_header: names the encoding in which the object is stored; the size of a body in
        another one is not that of the object.
    :raises ObjectDoesNotExistError: there is no such object.
    :raises LibcloudError: see :func:`check_response`.
    """
    names = (obj.container.name, obj.name)
    what = f"Error downloading {label or '/'.join(names)}"
    headers = {**AS_STORED, **request.headers}
    if selection.validator is not None:
        headers.update(condition(selection.validator.conditions()))
    if selection.range_header:
        headers[range_header] = selection.range_header
    request = HttpRequest(request.method, request.path, request.params, headers, request.body)
    try:
        response = client.send(request, what, ok=(200, 206), raw=True, names=names)
    except LibcloudError as error:
        raise_if_changed(error, obj, selection)
        raise
    port = RangeRequests(
        *(client, obj, request), range_header=range_header, omitted=omitted, condition=condition
    )
    try:
        expected = examine(response)
        transcoded = response.headers.get(encoding_header, "identity") != "identity"
        return open_download(
            port, response, selection, what, verification=expected, transcoded=transcoded
        )
    except BaseException:
        close(response)
        raise


def close(response: Any) -> None:
    """Free the connection of a response that is not read."""
    if isinstance(response, RawResponse):
        response._response.close()


def open_download(
    port: RangeRequests,
    response: Any,
    selection: Selection,
    what: str,
    *,
    verification: Verification | None,
    transcoded: bool = False,
) -> Download:
    """The download that ``response`` starts; see :func:`request_download`."""
    obj, headers = port.obj, response.headers
    extent = check_response(obj, response, selection, what, transcoded=transcoded)
    is_own, is_encoded = isinstance(response, RawResponse), "content-encoding" in headers
    if is_encoded or not is_own:  # otherwise, a small response makes ``raw`` only if it is used
        disable_decoding(response)
    expected = extent.length
    if selection.start is None:
        if is_encoded and not is_own:
            expected = None  # a foreign class may decode it
        elif expected is None and not transcoded:
            expected = known_size(obj)
    if is_own:
        start = selection.start or 0
        if start < 0:  # such a response reports both
            start = (extent.total or 0) - (extent.length or 0)
        pinned = pin(headers, port, start, extent)
        # The function that saves a whole object checks its size, if it cannot be resumed.
        length = None if selection.start is None and pinned is None else extent.length
        body = ResumableBody(response._response, obj, pinned, verification, length=length)
        response._response, response.iter_content = body, body.iter_content
    return Download(response, expected)


def changed(obj: Object, why: str) -> ObjectChangedError:
    """The exception for an object that is not the version that was selected."""
    text = f"{obj.container.name}/{obj.name} {why}: get it again, and start over"
    return ObjectChangedError(text, obj.driver, obj.name)


def known_size(obj: Object) -> int | None:
    """The size of the object; ``None`` for one that was made by hand without a size."""
    size = size_of(obj)
    return size if size and size > 0 else None
