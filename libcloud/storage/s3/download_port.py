# SPDX-License-Identifier: Apache-2.0
"""Downloads from an S3 store: the first response, and the port for resuming and parallel ranges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.s3.checksums import combined, encoded
from libcloud.storage.s3.client import ClientOwner, S3Client
from libcloud.storage.s3.headers import mark_optional
from libcloud.storage.s3.integrity import MODE, MODE_HEADERS, expected_digest
from libcloud.storage.transfer.download.port import Verification
from libcloud.storage.transfer.download.start import Download, Selection, request_download
from libcloud.utils.arguments import size_of


def start_download(
    client: S3Client,
    obj: Object,
    path: str,
    selection: Selection,
    *,
    headers: Mapping[str, str],
    version_id: str | None = None,
) -> Download:
    """See :func:`~libcloud.storage.transfer.download.start.request_download`.

    :param headers: the user's.
    :param version_id: ``None``: of the newest version.
    """
    owner = client.owner
    label = s3.names.label_of(obj.container.name, obj.name, version_id)
    if selection.verify is not False and owner.profile.checksums:
        headers = {**headers, **mark_optional(MODE_HEADERS)}

    def examine(response: Any) -> Verification | None:
        found = response.headers
        is_page = s3.http_response.is_page_of_object(found)
        if is_page and found.get("content-length") != str(size_of(obj)):
            what = f"Error downloading {label}"
            raise s3.http_response.not_the_store(owner.connection, response.status, "", what)
        s3.objects.check_response(client, found, label, version_id)
        return _verification(owner, obj, found, wanted=selection.verify)

    return request_download(
        client,
        obj,
        s3.requests.of_version(s3.requests.get_object(path, headers=headers), version_id),
        selection,
        examine=examine,
        label=label,
        # The first response had the checksum of the whole object; there is none for a range.
        omitted=MODE,
        # Responses are compared as well, so a store that refuses preconditions can do without.
        condition=mark_optional,
        # Google may decompress: Google Cloud Storage, "Transcoding of gzip-compressed files".
        encoding_header="x-goog-stored-content-encoding",
    )


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
