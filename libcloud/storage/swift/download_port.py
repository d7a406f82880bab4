# SPDX-License-Identifier: Apache-2.0
"""Downloads: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.common.response import RawResponse
from libcloud.common.types import MalformedResponseError
from libcloud.storage.base import Object
from libcloud.storage.swift import requests
from libcloud.storage.swift.client import SwiftClient, failure_of
from libcloud.storage.swift.deletion import is_static_large
from libcloud.storage.transfer.download.body import disable_decoding, make_resumable, pin
from libcloud.storage.transfer.download.port import RangeResponse
from libcloud.storage.transfer.download.start import (
    AS_STORED,
    Download,
    Selection,
    check_response,
    first_response,
    known_size,
)
from libcloud.storage.transfer.download.verification import Verification
from libcloud.utils.etags import strip_etag

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.values import Failure

__all__ = ["SwiftDownloadPort", "start_download"]


class SwiftDownloadPort:
    """Requests ranges of one object; see :class:`~libcloud.storage.transfer.download.port`.

    :param request: that the first response was for.
    """

    def __init__(self, client: SwiftClient, obj: Object, request: HttpRequest) -> None:
        self._client = client
        self._request = request
        self.obj = obj
        self.retries = client.retry_loop.retries
        self.sleep = client.retry_loop.sleep

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """See :meth:`DownloadPort.get`."""
        headers = {**self._request.headers, "Range": f"bytes={start}-{end - 1}", "If-Match": etag}
        response = _get(
            self._client,
            replace(self._request, headers=headers),
            self.obj,
            f"Error resuming the download of {self.obj.container.name}/{self.obj.name}",
            once=True,
        )
        return RangeResponse(response.status, response.headers, response.response._response)

    def failure(self, error: BaseException) -> Failure:
        """See :meth:`DownloadPort.failure`."""
        return failure_of(error)


def start_download(client: SwiftClient, obj: Object, selection: Selection) -> Download:
    """Request the bytes of ``obj``; the body is not read yet.

    Where possible, reading it resumes after the connection breaks.

    :raises ObjectDoesNotExistError: there is no such object.
    :raises ObjectChangedError: it is not the version that was selected, or has another size than
        ``obj``.
    :raises MalformedResponseError: the response contains other bytes than those requested.
    """
    what = f"Error downloading {obj.container.name}/{obj.name}"
    headers = dict(AS_STORED)
    if selection.validator is not None:
        headers.update(selection.validator.conditions())
    if selection.range_header:
        headers["Range"] = selection.range_header
    path = requests.object_path(obj.container.name, obj.name)
    request = requests.get_object(path, headers)
    response = first_response(lambda: _get(client, request, obj, what), obj, selection)
    try:
        _check_origin(response, obj, what)
        extent = check_response(obj, response, selection, what)
    except BaseException:
        if isinstance(response, RawResponse):
            response._response.close()
        raise
    disable_decoding(response)
    pinned = pin(response, SwiftDownloadPort(client, obj, request), selection.start or 0, extent)
    is_unpinned_whole = selection.start is None and pinned is None
    length = None if is_unpinned_whole else extent.length
    verification = _verification(obj, response.headers, selection)
    make_resumable(response, obj, pinned=pinned, verification=verification, length=length)
    expected = extent.length
    if expected is None and selection.start is None:
        expected = known_size(obj)
    return Download(response, expected)


def _get(
    client: SwiftClient, request: HttpRequest, obj: Object, what: str, *, once: bool = False
) -> Any:
    send = client.send_once if once else client.send
    return send(
        request,
        what,
        ok=(200, 206),
        raw=True,
        names=(obj.container.name, obj.name),
    )


def _check_origin(response: Any, obj: Object, what: str) -> None:
    """Refuse a web page, which a proxy or a login page answers every request with."""
    headers = response.headers
    is_page = headers.get("content-type", "").lower().startswith("text/html")
    if is_page and not any(name in headers for name in ("etag", "last-modified", "x-timestamp")):
        text = f"{what}: the response is a web page and not an object. Is this the store's API?"
        raise MalformedResponseError(text, driver=obj.driver)


def _verification(
    obj: Object, headers: dict[str, str], selection: Selection
) -> Verification | None:
    """The MD5 that the bytes must have; ``None`` if it is not wanted, or the ETag is none.

    The ETag of a large object is not the MD5 of its bytes.
    """
    etag = strip_etag(headers.get("etag", "")).lower()
    is_md5 = len(etag) == 32 and all(digit in "0123456789abcdef" for digit in etag)
    is_large = is_static_large(headers) or "x-object-manifest" in headers
    if selection.verify is not True or selection.start is not None or is_large or not is_md5:
        return None
    return Verification(
        obj,
        "md5",
        bytes.fromhex(etag),
        new=lambda: hashlib.md5(usedforsecurity=False),
        combine=None,
        format=bytes.hex,
    )
