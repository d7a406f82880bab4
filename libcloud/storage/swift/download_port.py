# SPDX-License-Identifier: Apache-2.0
"""Downloads: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping

from libcloud.storage.base import Object
from libcloud.storage.swift import requests
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.deletion import is_static_large
from libcloud.storage.transfer.download.port import Verification
from libcloud.storage.transfer.download.start import Download, Selection, request_download
from libcloud.utils.bodies import new_md5
from libcloud.utils.headers import strip_etag

_MD5 = re.compile(r"[0-9a-f]{32}")


def start_download(client: SwiftClient, obj: Object, selection: Selection) -> Download:
    """See :func:`~libcloud.storage.transfer.download.start.request_download`."""

    def verification(headers: Mapping[str, str]) -> Verification | None:
        """The MD5 that the bytes must have; the ETag of a large object is not an MD5."""
        etag = strip_etag(headers.get("etag", "")).lower()
        is_large = is_static_large(headers) or "x-object-manifest" in headers
        is_wanted = selection.verify is True and selection.start is None
        if not is_wanted or is_large or not _MD5.fullmatch(etag):
            return None
        value = bytes.fromhex(etag)
        return Verification(obj, "md5", value, new=new_md5, combine=None, format=bytes.hex)

    request = requests.get_object(client.object_path(obj.container.name, obj.name))
    return request_download(client, obj, request, selection, verification=verification)
