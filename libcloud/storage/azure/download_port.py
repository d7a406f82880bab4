# SPDX-License-Identifier: Apache-2.0
"""Downloads from Azure: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.common.response import RawResponse
from libcloud.storage.azure import requests
from libcloud.storage.azure.checksums import encoded, md5_of, new_md5
from libcloud.storage.azure.client import AzureClient, failure_of
from libcloud.storage.base import Object
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.values import Failure

__all__ = ["AzureDownloadPort", "start_download"]

# Azure prefers it to Range: REST API, "Specify the range header for Blob service operations".
_RANGE = "x-ms-range"


class AzureDownloadPort:
    """Requests ranges of one blob; see :class:`~libcloud.storage.transfer.download.port`."""

    def __init__(self, client: AzureClient, obj: Object, request: HttpRequest) -> None:
        self._client = client
        self._request = request
        self.obj = obj
        self.retries = client.retry_loop.retries
        self.sleep = client.retry_loop.sleep

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """See :meth:`DownloadPort.get`."""
        added = {_RANGE: f"bytes={start}-{end - 1}", "If-Match": etag}
        names = (self.obj.container.name, self.obj.name)
        response = self._client.send_once(
            replace(self._request, headers={**self._request.headers, **added}),
            f"Error resuming the download of {'/'.join(names)}",
            ok=(200, 206),
            raw=True,
            names=names,
        )
        return RangeResponse(response.status, response.headers, response.response._response)

    def failure(self, error: BaseException) -> Failure:
        """See :meth:`DownloadPort.failure`."""
        return failure_of(error)


def start_download(client: AzureClient, obj: Object, selection: Selection) -> Download:
    """Request the bytes of ``obj``; the body is not read yet.

    :raises ObjectDoesNotExistError: there is no such blob.
    :raises ObjectChangedError: it is not the version that was selected, or has another size.
    :raises MalformedResponseError: the response contains other bytes than those requested.
    """
    names = (obj.container.name, obj.name)
    what = f"Error downloading {'/'.join(names)}"
    headers = dict(AS_STORED)
    if selection.validator is not None:
        headers.update(selection.validator.conditions())
    request = requests.get_blob(client.blob_path(*names), headers)
    first = request
    if selection.range_header:
        first = replace(request, headers={**headers, _RANGE: selection.range_header})

    def send() -> Any:
        return client.send(first, what, ok=(200, 206), raw=True, names=names)

    response = first_response(send, obj, selection)
    try:
        extent = check_response(obj, response, selection, what)
    except BaseException:
        if isinstance(response, RawResponse):
            response._response.close()
        raise
    disable_decoding(response)
    pinned = pin(response, AzureDownloadPort(client, obj, request), selection.start or 0, extent)
    verification = _verification(obj, response.headers) if selection.verify else None
    # The size of a whole blob is checked by the function that saves it, if it cannot be resumed.
    is_unpinned_whole = selection.start is None and pinned is None
    length = None if is_unpinned_whole else extent.length
    make_resumable(response, obj, pinned=pinned, verification=verification, length=length)
    if selection.start is None and extent.length is None:
        return Download(response, known_size(obj))
    return Download(response, extent.length)


def _verification(obj: Object, headers: Mapping[str, str]) -> Verification | None:
    """The MD5 that the store keeps with the blob; ``None`` if it keeps none."""
    expected = md5_of(headers)
    if expected is None:
        return None
    return Verification(obj, "MD5", expected, new=new_md5, combine=None, format=encoded)
