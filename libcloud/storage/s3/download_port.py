# SPDX-License-Identifier: Apache-2.0
"""Downloads from an S3 store: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.response import RawResponse
from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.s3.checksums import combined, encoded
from libcloud.storage.s3.client import ClientOwner, S3Client, failure_of
from libcloud.storage.s3.integrity import MODE, MODE_HEADERS, expected_digest
from libcloud.storage.transfer.download.body import disable_decoding, make_resumable, pin
from libcloud.storage.transfer.download.port import RangeResponse
from libcloud.storage.transfer.download.ranges import Extent
from libcloud.storage.transfer.download.start import (
    AS_STORED,
    Download,
    Selection,
    check_response,
    first_response,
    known_size,
    validator_of,
)
from libcloud.storage.transfer.download.verification import Verification
from libcloud.utils.arguments import size_of

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.transfer.values import Failure

__all__ = ["AS_STORED", "Download", "S3DownloadPort", "Selection", "start_download", "validator_of"]


class S3DownloadPort:
    """Requests ranges of one object; see :class:`~libcloud.storage.transfer.download.port`.

    :param request: that the first response was for.
    """

    def __init__(self, client: S3Client, obj: Object, request: HttpRequest) -> None:
        self._client = client
        # The first response had the checksum of the whole object; there is none for a range.
        headers = {name: value for name, value in request.headers.items() if name != MODE}
        self._request = replace(request, headers=headers)
        self.obj = obj
        self.retries = client.retries
        self.sleep = client.sleep

    def get(self, start: int, end: int, etag: str) -> RangeResponse:
        """See :meth:`DownloadPort.get`."""
        version = s3.headers.mark_optional({"If-Match": etag})
        added = {"Range": f"bytes={start}-{end - 1}", **version}
        container_name, name = self.obj.container.name, self.obj.name
        response = self._client.send_once(
            replace(self._request, headers={**self._request.headers, **added}),
            f"Error resuming the download of {container_name}/{name}",
            ok=(200, 206),
            raw=True,
            names=(container_name, name),
        )
        return RangeResponse(response.status, response.headers, response.response._response)

    def failure(self, error: BaseException) -> Failure:
        """See :meth:`DownloadPort.failure`."""
        return failure_of(error)


def start_download(
    client: S3Client, owner: ClientOwner, obj: Object, request: HttpRequest, selection: Selection
) -> Download:
    """Request the bytes of ``obj``; the body is not read yet.

    Where possible, reading it resumes after the connection breaks.

    :param owner: the driver.
    :param request: GET of the object, with the user's headers.
    :raises ObjectDoesNotExistError: there is no such object.
    :raises ObjectChangedError: it is not the version that was selected, or has another size than
        ``obj``.
    :raises MalformedResponseError: the response contains other bytes than those requested.
    """
    version_id = dict(request.params).get("versionId")
    label = s3.names.label_of(obj.container.name, obj.name, version_id)
    what = f"Error downloading {label}"
    request = _with_headers(request, selection, checksums=bool(owner.profile.checksums))
    with s3.versions.explained_errors(client, obj.name, version_id):
        response = _send(client, obj, request, selection, what, version_id)
    try:
        s3.versions.check_response(client, response.headers, label, version_id)
        extent = _check(owner, obj, response, selection, what)
    except BaseException:
        if isinstance(response, RawResponse):
            response._response.close()
        raise
    disable_decoding(response)
    pinned = pin(response, S3DownloadPort(client, obj, request), selection.start or 0, extent)
    verification = _verification(owner, obj, response.headers, wanted=selection.verify)
    # The size of a whole object is checked by the function that saves it, if it cannot be resumed.
    is_unpinned_whole = selection.start is None and pinned is None
    length = None if is_unpinned_whole else extent.length
    make_resumable(response, obj, pinned=pinned, verification=verification, length=length)
    return Download(response, _length(response, extent, obj, selection))


def _with_headers(request: HttpRequest, selection: Selection, *, checksums: bool) -> HttpRequest:
    headers = {**AS_STORED, **request.headers}
    if selection.validator is not None:
        # The response is compared as well, so a store that refuses preconditions can do without.
        headers.update(s3.headers.mark_optional(selection.validator.conditions()))
    if selection.range_header:
        headers["Range"] = selection.range_header
    if selection.verify is not False and checksums:
        headers.update(s3.headers.mark_optional(MODE_HEADERS))
    return replace(request, headers=headers)


def _send(
    client: S3Client,
    obj: Object,
    request: HttpRequest,
    selection: Selection,
    what: str,
    version_id: str | None,
) -> Any:
    def send() -> Any:
        response = client.send(
            request, what, ok=(200, 206, 404), raw=True, names=(obj.container.name, obj.name)
        )
        if response.status == 404:
            raise client.object_not_found(response, obj.container.name, obj.name, version_id)
        return response

    return first_response(send, obj, selection)


def _check(
    owner: ClientOwner, obj: Object, response: Any, selection: Selection, what: str
) -> Extent:
    """Compare a response with what was requested, and with what is known of the object."""
    headers = response.headers
    is_page = s3.response.is_page_of_object(headers)
    if is_page and headers.get("content-length") != str(size_of(obj)):
        raise s3.response.not_the_store(owner.connection, response.status, "", what)
    return check_response(obj, response, selection, what, transcoded=_is_transcoded(headers))


def _verification(
    owner: ClientOwner, obj: Object, headers: Mapping[str, str], *, wanted: bool | None
) -> Verification | None:
    """The checksum that the bytes of ``obj`` must have; ``None`` if it is unknown or not wanted.

    :param headers: of the response with the whole object; names in lower case.
    """
    if wanted is False:
        return None
    opaque = s3.integrity.encrypted(headers)
    expected = expected_digest(owner.profile, headers, opaque=opaque, md5=wanted is True)
    if expected is None:
        return None
    checksum, value = expected
    return Verification(
        obj,
        checksum.name,
        value,
        new=checksum.new,
        combine=partial(combined, checksum) if checksum.polynomial is not None else None,
        # An MD5 was taken from an ETag, which is hexadecimal.
        format=bytes.hex if checksum.name == "md5" else encoded,
    )


def _length(response: Any, extent: Extent, obj: Object, selection: Selection) -> int | None:
    """Bytes that the body of a stream must have."""
    headers = response.headers
    if selection.start is not None:
        return extent.length
    if "content-encoding" in headers and not isinstance(response, RawResponse):
        return None  # a foreign class may decode it
    if extent.length is not None:
        return extent.length
    return None if _is_transcoded(headers) else known_size(obj)


def _is_transcoded(headers: Mapping[str, str]) -> bool:
    """Whether Google may have decompressed the body; its size is not that of the object.

    Reference: Google Cloud Storage, "Transcoding of gzip-compressed files".
    """
    return headers.get("x-goog-stored-content-encoding", "identity") != "identity"
