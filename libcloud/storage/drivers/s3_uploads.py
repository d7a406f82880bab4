# SPDX-License-Identifier: Apache-2.0
"""What uploads to S3 are made of: the wire calls of an upload in parts, options, and checks."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import drivers, s3, transfer
from libcloud.storage.arguments import plain_headers
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3_bodies import S3Bodies
from libcloud.storage.drivers.s3_constants import STORAGE_CLASSES
from libcloud.storage.s3.client import detail_of
from libcloud.storage.s3.names import check_object_name
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidObjectNameError,
    ObjectHashMismatchError,
)

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest

__all__ = ["S3Uploads", "size_of"]


def size_of(path: str | os.PathLike[str]) -> int | None:
    """Bytes of a regular file; ``None`` for whatever else is there, such as a pipe.

    A missing file is 0 bytes long: whoever opens it tells what is wrong.
    """
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class S3Uploads(S3Bodies):
    """Wire calls and checks; the way through them is told in ``s3.py``."""

    http_vendor_prefix = "x-amz"

    def _get_new_object_path(self, container: Container, object_name: str) -> str:
        """Path of an object that is to be created: its name must be valid UTF-8."""
        path = self._get_object_path(container, object_name)
        try:
            check_object_name(object_name)
        except ValueError as error:
            raise InvalidObjectNameError(str(error), self, object_name) from error
        return path

    def _initiate_multipart(
        self, container: Container, object_name: str, headers: Mapping[str, str] | None = None
    ) -> str:
        """``POST ?uploads``: the id of a new upload."""
        path = self._get_new_object_path(container, object_name)
        what = f"Error initiating multipart upload of {container.name}/{object_name}"
        response = self._client.send_once(
            s3.requests.create_upload(path, headers=headers),
            what,
            container_name=container.name,
            object_name=object_name,
        )
        return self._client.parse(s3.xml.parse_create, response, what)

    def _commit_multipart(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        chunks: Sequence[tuple[int, str]],
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """``POST ?uploadId=``: publish the object made of ``chunks``, pairs of number and ETag.

        :return: the object's ETag.
        """
        what = f"Error in multipart commit of {container.name}/{object_name}"
        response = self._client.send_once(
            s3.requests.complete_upload(
                self._get_object_path(container, object_name),
                upload_id=upload_id,
                parts=[s3.values.CompletedPart(number, etag) for number, etag in chunks],
                headers=headers,
            ),
            what,
            container_name=container.name,
            object_name=object_name,
        )
        answer = self._client.parse(s3.xml.parse_complete, response, what)
        etag = drivers.s3_store.CommittedETag(s3.etags.strip_etag(answer.etag))
        told = {s3.checksums.HEADER + name: value for name, value in answer.checksums.items()}
        etag.headers = {**response.headers, **told}
        return etag

    def _abort_multipart(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``DELETE ?uploadId=``: drop the upload and its parts."""
        path = self._get_object_path(container, object_name)
        try:
            self._client.send_once(
                s3.requests.abort_upload(path, upload_id=upload_id, headers=headers),
                f"Error in multipart abort of {container.name}/{object_name}",
                ok=(204,),
                container_name=container.name,
                object_name=object_name,
            )
        except LibcloudError as error:
            status = getattr(error, "status", None)
            if status is not None:
                error.value = f"Error in multipart abort. status_code={status}: {error.value}"
            raise

    def _send_part(
        self, request: HttpRequest, number: int, container: Container, object_name: str
    ) -> str:
        """Send a part, once: its ETag."""
        what = f"Error uploading chunk {number} of {container.name}/{object_name}"
        response = self._client.send_once(
            request, what, container_name=container.name, object_name=object_name
        )
        return self._etag_of_part(response, what)

    def _etag_of_part(self, response: Any, what: str) -> str:
        """The ETag that the store gave a part.

        :raises MalformedResponseError: there is none: nothing says that the part is stored, and
            Complete could not name it. The part can be sent again.
        """
        etag = s3.etags.strip_etag(response.headers.get("etag", ""))
        if not etag:
            raise MalformedResponseError(f"{what}: the response has no ETag", driver=self)
        return etag

    def _in_one_request(self, size: int | None, options: Mapping[str, object]) -> bool:
        """Whether a file of ``size`` bytes goes as one body, without the engine.

        :param size: ``None`` if it is not known.
        :param options: keywords; with any of them it is the engine's.
        """
        if not self.supports_s3_multipart_upload:
            return True
        largest = min(transfer.upload.plan.DEFAULT_PART_SIZE, self.profile.limits.max_put_size)
        return not options and size is not None and size <= largest

    def _with_storage_class(
        self, headers: Mapping[str, str] | None, storage_class: str | None
    ) -> dict[str, str]:
        """A copy of ``headers`` with one class: ``storage_class``, or else the header's own."""
        own = f"{self.http_vendor_prefix}-storage-class"
        sent = dict(headers or {})
        given = [name for name in sent if name.lower() == own]
        if storage_class is None and given:
            return sent
        for name in given:
            del sent[name]
        return {**sent, **self._to_storage_class_headers(storage_class)}

    def _to_storage_class_headers(self, storage_class: str | None) -> dict[str, str]:
        """:raises ValueError: no such class. Nothing was sent."""
        name = str(storage_class or "standard").lower()
        if name not in STORAGE_CLASSES:
            raise ValueError(f"Invalid storage class value: {storage_class}")
        return {f"{self.http_vendor_prefix}-storage-class": STORAGE_CLASSES[name]}

    def _check_stored(self, response: Any, container: Container, object_name: str) -> None:
        """Raise what a plain PUT was refused with."""
        if response.status in (200, 201, 204):
            return
        detail = detail_of(response)
        text = f"Error uploading {container.name}/{object_name}: {s3.errors.describe(detail)}"
        if detail.status == 404:
            raise s3.errors.attach_detail(
                ContainerDoesNotExistError(text, self, container.name), detail
            )
        error = self._client.error_for(detail, text, container.name, object_name)
        raise error or s3.errors.attach_detail(LibcloudError(text, driver=self), detail)

    def _verify(
        self, etag: str, data_hash: str | None, headers: Mapping[str, str], object_name: str
    ) -> None:
        """Compare the store's ETag with the MD5 of the data, where both are one."""
        if (
            data_hash is None
            or not self.profile.etag_is_md5
            or drivers.s3_answers.encrypted(headers)
        ):
            return
        if not etag or "-" in etag:
            return
        if etag != data_hash:
            raise ObjectHashMismatchError(
                f"MD5 hash {etag} checksum does not match {data_hash}", self, object_name
            )

    def _keywords(
        self, headers: Mapping[str, str] | None, given: Mapping[str, object]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers with what keywords ask for, and the keywords that are left for the engine.

        :raises TypeError: no such keyword. Nothing was sent.
        :raises ValueError: a value makes no sense, or not with this driver. Nothing was sent.
        """
        headers = plain_headers(headers)
        of_object, rest = drivers.s3_options.split_keywords(given)
        if rest and not self.supports_s3_multipart_upload:
            raise ValueError(
                f"{', '.join(sorted(rest))}: only uploads in parts have this, and the driver "
                f"{self.name!r} makes none (supports_s3_multipart_upload is False)"
            )
        sent = drivers.s3_options.write_headers(
            of_object,
            headers,
            profile=self.profile,
            prefix=self.http_vendor_prefix,
            secure=bool(getattr(self.connection, "secure", False)),
        )
        return sent, rest

    def _upload_multipart_chunks(
        self,
        container: Container,
        object_name: str,
        upload_id: str,
        stream: Any,
        calculate_hash: bool = True,
    ) -> tuple[list[tuple[int, str]], str | None, int]:
        """Send ``stream`` as parts of an upload, one after another; the engine does not use this.

        :return: pairs of number and ETag; the MD5 of all, or ``None``; bytes.
        """
        hasher = self._get_hash_function() if calculate_hash else None
        source, size = transfer.upload.source.PartSource(stream), 0
        chunks: list[tuple[int, str]] = []
        path = self._get_object_path(container, object_name)
        last = False
        while not last:
            number = len(chunks) + 1
            part = source.next_part(transfer.upload.plan.DEFAULT_PART_SIZE)
            last, body = part.last, bytes(part.body)
            request = s3.requests.put_part(path, upload_id=upload_id, number=number, body=body)
            etag = self._client.retry(
                partial(self._send_part, request, number, container, object_name)
            )
            chunks.append((number, etag))
            size += len(body)
            if hasher is not None:
                hasher.update(body)
        return chunks, hasher.hexdigest() if hasher is not None else None, size

    def _put_object_multipart(
        self,
        container: Container,
        object_name: str,
        stream: Any,
        extra: dict[str, Any] | None = None,
        verify_hash: bool = False,
        headers: Mapping[str, str] | None = None,
        storage_class: str | None = None,
    ) -> Object:
        """Upload ``stream`` in parts, whatever ``supports_s3_multipart_upload`` says."""
        driver: Any = self
        stored: Object = driver._put_object(
            container,
            object_name,
            extra=extra,
            headers=headers,
            storage_class=storage_class,
            verify_hash=verify_hash,
            upload_func=driver._upload_multipart,
            upload_func_kwargs={"container": container, "iterator": stream},
        )
        return stored
