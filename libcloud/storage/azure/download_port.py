# SPDX-License-Identifier: Apache-2.0
"""Downloads from Azure: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from collections.abc import Mapping

from libcloud.storage.azure import requests
from libcloud.storage.azure.checksums import checksum_of, encoded
from libcloud.storage.azure.client import AzureClient
from libcloud.storage.base import Object
from libcloud.storage.transfer.download.port import Verification
from libcloud.storage.transfer.download.start import Download, Selection, request_download
from libcloud.utils.bodies import new_md5

# Azure prefers it to Range: REST API, "Specify the range header for Blob service operations".
_RANGE = "x-ms-range"


def start_download(client: AzureClient, obj: Object, selection: Selection) -> Download:
    """See :func:`~libcloud.storage.transfer.download.start.request_download`."""

    def verification(headers: Mapping[str, str]) -> Verification | None:
        """The MD5 that the store keeps with the blob; ``None`` if it keeps none."""
        expected = checksum_of(headers)
        if expected is None or selection.verify is False:
            return None
        return Verification(obj, "MD5", expected, new=new_md5, combine=None, format=encoded)

    request = requests.get_blob(client.blob_path(obj.container.name, obj.name))
    return request_download(
        client, obj, request, selection, range_header=_RANGE, verification=verification
    )
