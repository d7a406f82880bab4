# SPDX-License-Identifier: Apache-2.0
"""The engine's port for an object that the store copies: its parts are ranges of another object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libcloud.common.request import HttpRequest
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage.base import Container
from libcloud.storage.s3 import integrity, requests
from libcloud.storage.s3.copy_headers import CopyHeaders
from libcloud.storage.s3.etags import strip_etag
from libcloud.storage.s3.headers import headers_for
from libcloud.storage.s3.upload_port import S3UploadPort
from libcloud.storage.s3.values import CopyAnswer
from libcloud.storage.s3.xml import parse_copy
from libcloud.storage.transfer.download.ranges import Validator, content_length
from libcloud.storage.transfer.values import (
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.storage.types import ObjectChangedError, PreconditionFailedError

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3 import BaseS3StorageDriver

__all__ = ["CopyStore", "Place", "Source"]

_NO_BYTES = integrity.md5_hex(b"")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is, or is to be.

    :param path: encoded, as the driver makes it.
    """

    container: Container
    name: str
    path: str

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.container.name}/{self.name}"


@dataclass(frozen=True, slots=True)
class Source:
    """The object to copy, as a look at it told.

    :param size: bytes.
    :param seen: headers of the store's answer, names in lower case.
    :param look: headers of the look.
    """

    place: Place
    size: int
    seen: Mapping[str, str]
    look: Mapping[str, str]

    @property
    def validator(self) -> Validator:
        """What tells the version that was looked at from others."""
        seen = self.seen
        return Validator(seen.get("etag", ""), seen.get("last-modified", ""), self.size)

    @property
    def etag(self) -> str | None:
        """The ETag to ask for, without quotes; ``None`` if it has none, or a weak one."""
        etag = self.seen.get("etag", "")
        return None if etag.startswith("W/") else strip_etag(etag) or None


class CopyStore:
    """The copy, about to be made by the store of ``driver``.

    :param headers: what the requests are to carry.
    """

    def __init__(
        self, driver: BaseS3StorageDriver, source: Source, target: Place, headers: CopyHeaders
    ) -> None:
        self._driver = driver
        self._source = source
        self._target = target
        self._headers = headers
        self._what = f"Error copying {source.place.label} to {target.label}"
        # What is no different from an upload.
        self._upload = S3UploadPort(
            driver,
            target.container,
            target.name,
            path=target.path,
            headers=headers.in_parts,
            digest="none",
        )
        self._upload.see_time(source.seen)

    def digest(self, body: range) -> Digest:
        return Digest()

    def put(self, body: range, digest: Digest) -> StoredObject:
        request = requests.copy_object(
            self._target.path,
            source=self._source.place.path,
            if_match=self._source.etag,
            headers={**self._headers.whole, **self._of_source()},
            vendor=self._driver.http_vendor_prefix,
        )
        response = self._copy(request, self._what)
        answer = self._answer(response, self._what)
        return StoredObject(answer.etag or "", len(body), 0, dict(response.headers))

    def create(self) -> str:
        return self._upload.create()

    def put_part(self, upload_id: str, number: int, body: range, digest: Digest) -> PartReceipt:
        what = f"{self._what}, part {number}"
        request = requests.copy_part(
            self._target.path,
            upload_id=upload_id,
            number=number,
            source=self._source.place.path,
            span=body,
            if_match=self._source.etag,
            headers={**headers_for(Step.PART, self._headers.in_parts), **self._of_source()},
            vendor=self._driver.http_vendor_prefix,
        )
        response = self._copy(request, what)
        etag = self._answer(response, what).etag
        if etag is None:
            raise MalformedResponseError(f"{what}: the response has no ETag", driver=self._driver)
        if etag == _NO_BYTES:
            raise self._unable(what)
        self._upload.see_time(response.headers)
        return PartReceipt(number, etag, len(body), digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        # Not every store knows the condition, and then the parts may be of two versions.
        if self._source_has_changed():
            raise self._changed()
        return self._upload.complete(upload_id, parts)

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        if parts:
            return self._upload.confirm(parts, size)
        request = requests.head(
            self._target.path, headers_for(Step.CONFIRM, self._headers.in_parts)
        )
        response = self._call(request, f"Error looking for {self._target.label}", ok=(200, 404))
        headers = dict(response.headers)
        if response.status == 404 or headers.get("content-length") != str(size):
            return Confirmation.ABSENT, None
        # A copy may have another ETag than its source: the same size, written since, has to do.
        verdict = self._upload.written_since(headers)
        stored = StoredObject(strip_etag(headers.get("etag", "")), size, 0, headers)
        return verdict, stored if verdict is Confirmation.STORED else None

    def abort(self, upload_id: str) -> None:
        self._upload.abort(upload_id)

    def has_parts(self, upload_id: str) -> bool:
        return self._upload.has_parts(upload_id)

    def failure(self, step: Step, error: Exception) -> Failure:
        return self._upload.failure(step, error)

    # Inside.

    def _of_source(self) -> dict[str, str]:
        """What each copy says of the source: without an ETag, the time that it must still have."""
        headers = dict(self._headers.of_source)
        modified = self._source.seen.get("last-modified")
        if self._source.etag is None and modified:
            name = f"{self._driver.http_vendor_prefix}-copy-source-if-unmodified-since"
            headers.setdefault(name, modified)
        return headers

    def _copy(self, request: HttpRequest, what: str) -> Any:
        try:
            return self._call(request, what)
        except PreconditionFailedError as error:
            if self._source_has_changed():
                raise self._changed() from error
            raise  # it is a condition of the caller

    def _source_has_changed(self) -> bool:
        place = self._source.place
        response = self._driver._client.send(
            requests.head(place.path, self._source.look),
            f"Error looking for {place.label}",
            ok=(200, 404),
            container_name=place.container.name,
            object_name=place.name,
        )
        if response.status == 404:
            return True
        size = content_length(response.headers)
        return not self._source.validator.agrees(response.headers, size)

    def _changed(self) -> ObjectChangedError:
        place = self._source.place
        text = (
            f"{self._what}: {place.label} was replaced or deleted meanwhile; nothing is published"
        )
        return ObjectChangedError(text, self._driver, place.name)

    def _call(self, request: HttpRequest, what: str, ok: Sequence[int] = (200,)) -> Any:
        return self._driver._client.send_once(
            request,
            what,
            ok=ok,
            container_name=self._target.container.name,
            object_name=self._target.name,
        )

    def _answer(self, response: Any, what: str) -> CopyAnswer:
        """What the store says of the copy."""
        if not (response.body or "").strip():
            raise self._unable(what)
        return self._driver._client.parse(parse_copy, response, what)

    def _unable(self, what: str) -> LibcloudError:
        """The error for a request that was taken for another one.

        "rclone serve s3" 1.75.2 answers UploadPartCopy by 200, and makes a part of no bytes.
        """
        return LibcloudError(
            f"{what}: the store answered with success and copied nothing, so it does not know this "
            "request. Say so in the profile of the driver (supports_copy_part=False), or download "
            "the object and upload it",
            driver=self._driver,
        )
