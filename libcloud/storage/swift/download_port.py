# SPDX-License-Identifier: Apache-2.0
"""Downloads: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from libcloud.common.types import MalformedResponseError
from libcloud.storage.base import Object
from libcloud.storage.swift import requests
from libcloud.storage.swift.client import SwiftClient
from libcloud.storage.swift.deletion import is_static_large
from libcloud.storage.transfer.download.port import RangeRequests
from libcloud.storage.transfer.download.start import (
    AS_STORED,
    Download,
    Selection,
    first_response,
    open_download,
)
from libcloud.storage.transfer.download.verification import Verification
from libcloud.utils.etags import strip_etag


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
    names = (obj.container.name, obj.name)

    def send() -> Any:
        return client.send(request, what, ok=(200, 206), raw=True, names=names)

    response = first_response(send, obj, selection)
    return open_download(
        RangeRequests(client, obj, request),
        response,
        selection,
        what,
        verification=partial(_verification, obj, response.headers, selection),
        check=partial(_check_origin, response, obj, what),
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
