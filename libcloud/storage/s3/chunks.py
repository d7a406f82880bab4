# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts by the methods of Apache Libcloud, which a user's subclass may override.

They run one after another, in the order of Apache Libcloud and without the transfer engine.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from libcloud.storage import transfer
from libcloud.storage.base import Container
from libcloud.storage.s3 import requests
from libcloud.storage.s3.client import S3Client, failure_of
from libcloud.storage.s3.headers import headers_for
from libcloud.storage.s3.response import etag_of_part
from libcloud.storage.s3.upload_port import Published
from libcloud.storage.types import UploadOutcomeUnknownError

_log = logging.getLogger(__name__)


class ChunkDriver(Protocol):
    """The methods of the driver by which Apache Libcloud uploads in parts."""

    def _initiate_multipart(
        self, container: Container, object_name: str, headers: Mapping[str, str] | None = None
    ) -> str: ...

    def _upload_multipart_chunks(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        stream: Any,
        calculate_hash: bool = True,
    ) -> tuple[list[tuple[int, str]], str | None, int]: ...

    def _commit_multipart(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        chunks: Sequence[tuple[int, str]],
    ) -> str: ...

    def _abort_multipart(self, container: Container, object_name: str, upload_id: str) -> None: ...


def upload_by_chunks(
    driver: ChunkDriver,
    container: Container,
    object_name: str,
    stream: object,
    headers: Mapping[str, str],
) -> dict[str, Any]:
    """Upload by the driver's methods in the order of Apache Libcloud, without the engine.

    :return: as ``_upload_multipart`` of the driver.
    :raises UploadOutcomeUnknownError: the response to Complete was lost. The upload is not aborted.
    """
    sent = headers_for(transfer.values.Step.CREATE, headers)
    # With conditions; without any, an override may have the signature of Apache Libcloud.
    conditions = headers_for(transfer.values.Step.COMPLETE, headers)
    rest: dict[str, Any] = {"headers": conditions} if conditions else {}
    label = f"{container.name}/{object_name}"
    upload_id = driver._initiate_multipart(container, object_name, headers=sent)
    completing = False
    try:
        chunks, data_hash, size = driver._upload_multipart_chunks(
            container, object_name, upload_id, stream, calculate_hash=False
        )
        completing = True
        etag = driver._commit_multipart(container, object_name, upload_id, chunks, **rest)
    except BaseException as error:
        # Before the response to Complete, the upload must not be aborted: it may be published.
        if completing and not isinstance(error, Exception):
            raise
        if completing and failure_of(error).effect_unknown:
            raise UploadOutcomeUnknownError(
                f"the outcome of the upload of {label} is unknown: the response to its completion "
                f"was lost ({error}). Check whether the object exists",
                driver,
                object_name,
                upload_id=upload_id,
            ) from error
        try:
            driver._abort_multipart(container, object_name, upload_id)
        except Exception as second:
            _log.warning("%s: the upload %s could not be aborted: %s", label, upload_id, second)
        raise
    return {
        "response": Published(200, {**getattr(etag, "headers", {}), "etag": str(etag)}),
        "bytes_transferred": size,
        "data_hash": data_hash,
    }


def upload_chunks(
    client: S3Client,
    path: str,
    upload_id: str,
    stream: object,
    *,
    names: tuple[str, str],
    hasher: Any = None,
) -> tuple[list[tuple[int, str]], int]:
    """Send ``stream`` as parts of an upload, one after another; the engine does not use this.

    :param hasher: is updated with all data; ``None``: nothing is hashed.
    :return: pairs of number and ETag; bytes.
    """
    source, size = transfer.upload.source.PartSource(stream), 0
    chunks: list[tuple[int, str]] = []
    last = False
    while not last:
        number = len(chunks) + 1
        part = source.next_part(transfer.upload.plan.DEFAULT_PART_SIZE)
        last, body = part.last, bytes(part.body)
        request = requests.put_part(path, upload_id=upload_id, number=number, body=body)
        what = f"Error uploading chunk {number} of {'/'.join(names)}"
        response = client.send(request, what, names=names)
        chunks.append((number, etag_of_part(response, what, client.owner)))
        size += len(body)
        if hasher is not None:
            hasher.update(body)
    return chunks, size
