# SPDX-License-Identifier: Apache-2.0
"""Downloads from an S3 store: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.s3.checksums import combined, encoded
from libcloud.storage.s3.client import ClientOwner, S3Client
from libcloud.storage.s3.integrity import MODE, MODE_HEADERS, expected_digest
from libcloud.storage.transfer.download.port import RangeRequests, Verification
from libcloud.storage.transfer.download.start import (
    AS_STORED,
    Download,
    Selection,
    close,
    open_download,
    raise_if_changed,
)
from libcloud.utils.arguments import size_of

_STORED_ENCODING = "x-goog-stored-content-encoding"


def start_download(
    client: S3Client,
    obj: Object,
    path: str,
    selection: Selection,
    *,
    headers: Mapping[str, str],
    version_id: str | None = None,
) -> Download:
    """Request the bytes of ``obj``; the body is not read yet.

    Where possible, reading it resumes after the connection breaks.

    :param path: of the object.
    :param headers: the user's.
    :param version_id: ``None``: of the newest version.
    :raises ObjectDoesNotExistError: there is no such object.
    :raises ObjectChangedError: it is not the version that was selected, or has another size than
        ``obj``.
    :raises MalformedResponseError: the response contains other bytes than those requested.
    """
    owner, names = client.owner, (obj.container.name, obj.name)
    label = s3.names.label_of(*names, version_id)
    what = f"Error downloading {label}"
    headers = _headers_of(headers, selection, checksums=bool(owner.profile.checksums))
    request = s3.requests.of_version(s3.requests.get_object(path, headers=headers), version_id)
    try:
        response = client.send(request, what, ok=(200, 206), raw=True, names=names)
    except LibcloudError as error:
        raise_if_changed(error, obj, selection)
        raise
    found = response.headers
    # The first response had the checksum of the whole object; there is none for a range.
    port = RangeRequests(client, obj, request, omitted=MODE, condition=s3.headers.mark_optional)
    try:
        is_page = s3.http_response.is_page_of_object(found)
        if is_page and found.get("content-length") != str(size_of(obj)):
            raise s3.http_response.not_the_store(owner.connection, response.status, "", what)
        s3.versions.check_response(client, found, label, version_id)
        return open_download(
            port,
            response,
            selection,
            what,
            verification=_verification(owner, obj, found, wanted=selection.verify),
            # Google may have decompressed the body, so that its size is not that of the object:
            # Google Cloud Storage, "Transcoding of gzip-compressed files".
            transcoded=found.get(_STORED_ENCODING, "identity") != "identity",
        )
    except BaseException:
        close(response)
        raise


def _headers_of(
    given: Mapping[str, str], selection: Selection, *, checksums: bool
) -> dict[str, str]:
    headers = {**AS_STORED, **given}
    if selection.validator is not None:
        # The response is compared as well, so a store that refuses preconditions can do without.
        headers.update(s3.headers.mark_optional(selection.validator.conditions()))
    if selection.range_header:
        headers["Range"] = selection.range_header
    if selection.verify is not False and checksums:
        headers.update(s3.headers.mark_optional(MODE_HEADERS))
    return headers


def _verification(
    owner: ClientOwner, obj: Object, headers: Mapping[str, str], *, wanted: bool | None
) -> Verification | None:
    """The checksum that the bytes of ``obj`` must have; ``None`` if it is unknown or not wanted."""
    if wanted is False:
        return None
    takes_md5 = wanted is True and not s3.integrity.encrypted(headers)
    expected = expected_digest(owner.profile, headers, md5=takes_md5)
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
