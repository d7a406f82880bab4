# SPDX-License-Identifier: Apache-2.0
"""Downloads from Azure: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from libcloud.storage.azure import requests
from libcloud.storage.azure.checksums import encoded, md5_of, new_md5
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.base import Object
from libcloud.storage.transfer.download.port import RangeRequests
from libcloud.storage.transfer.download.start import (
    AS_STORED,
    Download,
    Selection,
    first_response,
    open_download,
)
from libcloud.storage.transfer.download.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Mapping


# Azure prefers it to Range: REST API, "Specify the range header for Blob service operations".
_RANGE = "x-ms-range"


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
    return open_download(
        RangeRequests(client, obj, request, range_header=_RANGE),
        response,
        selection,
        what,
        verification=lambda: _verification(obj, response.headers) if selection.verify else None,
    )


def _verification(obj: Object, headers: Mapping[str, str]) -> Verification | None:
    """The MD5 that the store keeps with the blob; ``None`` if it keeps none."""
    expected = md5_of(headers)
    if expected is None:
        return None
    return Verification(obj, "MD5", expected, new=new_md5, combine=None, format=encoded)
