# SPDX-License-Identifier: Apache-2.0
"""The engine's port onto a driver: each step becomes one of the driver's wire calls.

A subclass that overrides ``_initiate_multipart``, ``_commit_multipart`` or ``_abort_multipart`` is
called by the engine too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from libcloud.common.request import HttpRequest
from libcloud.common.types import LibcloudError
from libcloud.storage import s3, transfer
from libcloud.storage.base import Container
from libcloud.storage.drivers.s3_answers import Answers
from libcloud.storage.s3 import integrity, requests
from libcloud.storage.s3.client import failure_of
from libcloud.storage.s3.etags import strip_etag
from libcloud.storage.s3.headers import has_digest, headers_for
from libcloud.storage.s3.optional import Unasked, unasked
from libcloud.storage.transfer.values import (
    Body,
    Confirmation,
    Digest,
    Failure,
    PartReceipt,
    Step,
    StoredObject,
)
from libcloud.storage.types import ObjectHashMismatchError

if TYPE_CHECKING:
    from libcloud.storage.drivers.s3 import BaseS3StorageDriver

__all__ = ["CommittedETag", "DriverStore", "Published"]

_READ_SIZE = 64 * 1024
# S3 answers 200; some gateways say that they have created something, or that there is no body.
_STORED = (200, 201, 204)
_NO_DIGEST = Digest()
_GRACE = timedelta(seconds=2)  # Last-Modified has whole seconds


class CommittedETag(str):
    """The ETag that Complete answered, without quotes, and what else that answer said.

    A ``str``, for that is what ``_commit_multipart`` gives.
    """

    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Published:
    """The answer that published an object, as ``_put_object`` looks at it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class DriverStore:
    """One object of an S3 store, about to be written by ``driver``.

    :param path: of the object, as the driver makes it.
    :param headers: of the upload as a whole; each request gets those that belong to it.
    :param digest: a name in :data:`~libcloud.storage.s3.integrity.DIGESTS`; marked, if nobody
        asked for it, see :class:`~libcloud.storage.s3.optional.Unasked`.
    :param copy_bodies: hand the connection ``bytes``, not views, because it is not one of ours.

    ``answers`` has what was found out about the published object.
    """

    def __init__(
        self,
        driver: BaseS3StorageDriver,
        container: Container,
        object_name: str,
        *,
        path: str,
        headers: Mapping[str, str],
        digest: str,
        copy_bodies: bool = False,
    ) -> None:
        self._driver = driver
        self._container = container
        self._name = object_name
        self._path = path
        self._headers = headers
        self._digest_name = digest
        self._copy_bodies = copy_bodies
        self._whole: Body = b""
        self._digest_of_whole = _NO_DIGEST
        self._began: datetime | None = None  # by the store's clock
        self._completing = ""
        self.answers = Answers(driver, object_name, label=self._label, headers=headers)

    def digest(self, body: Body) -> Digest:
        return integrity.DIGESTS[self._digest_name](body)

    def put(self, body: Body, digest: Digest) -> StoredObject:
        self._whole, self._digest_of_whole = body, digest
        headers = headers_for(Step.PUT, self._headers)
        if not has_digest(headers):
            headers.update(self._chosen(digest.headers))
        request = requests.put_object(self._path, headers=headers, body=self._sendable(body))
        response = self._driver._client.send_once(
            request,
            f"Error uploading {self._label}",
            ok=_STORED,
            container_name=self._container.name,
            object_name=self._name,
        )
        self.answers.of_object(digest, response.headers)
        return StoredObject(
            strip_etag(response.headers.get("etag", "")), len(body), 0, dict(response.headers)
        )

    def create(self) -> str:
        headers = {
            **headers_for(Step.CREATE, self._headers),
            **self._chosen(integrity.create_headers(self._digest_name)),
        }
        return self._driver._initiate_multipart(self._container, self._name, headers=headers)

    def put_part(self, upload_id: str, number: int, body: Body, digest: Digest) -> PartReceipt:
        headers = {**headers_for(Step.PART, self._headers), **self._chosen(digest.headers)}
        request = requests.put_part(
            self._path,
            upload_id=upload_id,
            number=number,
            body=self._sendable(body),
            headers=headers,
        )
        what = f"Error uploading chunk {number} of {self._label}"
        response = self._call(request, what, ok=_STORED)
        etag = self._driver._etag_of_part(response, what)
        self.answers.of_part(number, digest, response.headers)
        self.see_time(response.headers)
        return PartReceipt(number, etag, len(body), digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        self._completing = upload_id
        headers = {
            **headers_for(Step.COMPLETE, self._headers),
            **self._chosen(
                integrity.complete_headers(self._driver.profile, parts, asked=self._digest_asked)
            ),
        }
        etag = self._driver._commit_multipart(
            self._container,
            self._name,
            upload_id,
            [(part.number, part.etag) for part in parts],
            **({"headers": headers} if headers else {}),
        )
        answered = {**getattr(etag, "headers", {}), "etag": str(etag)}
        self.answers.of_parts(parts, answered)
        size = sum(part.size for part in parts)
        known = strip_etag(str(etag)) or self._look_up_etag(parts, size)
        return StoredObject(known, size, len(parts), {**answered, "etag": known})

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        sent = self._digest_of_whole if not parts else integrity.whole_checksum(parts)
        headers = {
            **headers_for(Step.CONFIRM, self._headers),
            **self._chosen(integrity.look_headers(sent)),
        }
        request = requests.head(self._path, headers)
        response = self._call(request, f"Error looking for {self._label}", ok=(200, 404))
        if response.status == 404:
            return Confirmation.ABSENT, None
        found = dict(response.headers)
        etag = strip_etag(found.get("etag", ""))
        same = self.answers.is_same(sent, found)
        if same is None:
            verdict = self._verdict(etag, parts, size, found)
        else:
            verdict = Confirmation.STORED if same else Confirmation.ABSENT
        if verdict is not Confirmation.STORED:
            return verdict, None
        self.answers.of_object(sent, found)
        return verdict, StoredObject(etag, size, len(parts), found)

    def abort(self, upload_id: str) -> None:
        headers = headers_for(Step.ABORT, self._headers)
        self._driver._abort_multipart(
            self._container, self._name, upload_id, **({"headers": headers} if headers else {})
        )

    def has_parts(self, upload_id: str) -> bool:
        request = requests.list_parts(
            self._path,
            upload_id=upload_id,
            page_size=1,
            headers=headers_for(Step.CHECK, self._headers),
        )
        what = f"Error listing the parts of {self._label}"
        page = self._driver._client.parse(s3.xml.parse_parts, self._call(request, what), what)
        return bool(page.parts) or page.is_truncated

    def failure(self, step: Step, error: Exception) -> Failure:
        if isinstance(error, ObjectHashMismatchError):
            return Failure(error, transient=step is not Step.COMPLETE, contradicted=True)
        failure = failure_of(error)
        if step is Step.COMPLETE and getattr(error, "code", None) == "BadDigest":
            # Of the object, not of this request: the parts that the store holds do not change.
            return replace(failure, transient=False)
        return failure

    def see_time(self, headers: Mapping[str, str]) -> None:
        """Remember the earliest time that the store named while this object was sent."""
        when = _time(headers.get("date"))
        if when is not None and (self._began is None or when < self._began):
            self._began = when

    def written_since(self, headers: Mapping[str, str]) -> Confirmation:
        """Whether the object, by the ``headers`` of a look at it, is younger than that time."""
        modified = _time(headers.get("last-modified"))
        if modified is None or self._began is None:
            return Confirmation.UNCLEAR
        return Confirmation.STORED if modified >= self._began - _GRACE else Confirmation.ABSENT

    # Inside.

    def _look_up_etag(self, parts: Sequence[PartReceipt], size: int) -> str:
        """The ETag of the object that Complete has just published without naming one.

        Ceph RGW answers every Complete with an empty ETag. Another writer may have replaced the
        object meanwhile; the ETag of what is not this object is not used.

        :return: ``""`` if it is not known; the object is published all the same.
        """
        request = requests.head(self._path, headers_for(Step.CONFIRM, self._headers))
        try:
            response = self._call(request, f"Error looking for {self._label}", ok=(200, 404))
        except (LibcloudError, OSError):
            return ""
        found = response.headers
        if response.status == 404 or found.get("content-length") != str(size):
            return ""
        etag = strip_etag(found.get("etag", ""))
        expected = integrity.expected_etag(parts)
        if expected not in (None, etag) and not self.answers.opaque(found):
            return ""
        return etag

    @property
    def _label(self) -> str:
        return f"{self._container.name}/{self._name}"

    def _call(
        self, request: HttpRequest, what: str, *, ok: Sequence[int] = (200,), raw: bool = False
    ) -> Any:
        return self._driver._client.send_once(
            request,
            what,
            ok=ok,
            raw=raw,
            container_name=self._container.name,
            object_name=self._name,
        )

    def _chosen(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Headers that make a request safer, marked as far as nobody asked for them."""
        return unasked(headers, digest_asked=self._digest_asked)

    @property
    def _digest_asked(self) -> bool:
        return not isinstance(self._digest_name, Unasked)

    def _sendable(self, body: Body) -> Body:
        return bytes(body) if self._copy_bodies else body

    def _verdict(
        self, etag: str, parts: Sequence[PartReceipt], size: int, headers: Mapping[str, str]
    ) -> Confirmation:
        """Whether the object that is there is the one that was sent."""
        if not parts and integrity.is_md5(etag) and not self.answers.opaque(headers):
            same = etag == integrity.md5_hex(self._whole)
            return Confirmation.STORED if same else Confirmation.ABSENT
        if etag and etag == integrity.expected_etag(parts):
            return Confirmation.STORED
        if headers.get("content-length") != str(size):
            return Confirmation.ABSENT
        if self._driver.profile.multipart_etag and parts and not self.answers.opaque(headers):
            return Confirmation.ABSENT
        # The ETag says nothing here: the same size, written since we began, may be another's.
        ours = self._is_ours(parts)
        if ours is False:
            return Confirmation.ABSENT
        return Confirmation.STORED if ours and not parts else self.written_since(headers)

    def _is_ours(self, parts: Sequence[PartReceipt]) -> bool | None:
        """Whether an object of the right size may be ours; ``None`` if the store does not tell.

        It is not while the upload that it should be made of is still there; and what was sent by
        one request is here to be compared.
        """
        try:
            return not self.has_parts(self._completing) if parts else self._has_the_same_bytes()
        except LibcloudError as error:
            if failure_of(error).transient:
                raise
            return None

    def _has_the_same_bytes(self) -> bool:
        headers = {"Accept-Encoding": "identity", **headers_for(Step.CONFIRM, self._headers)}
        response = self._call(
            requests.get_object(self._path, headers=headers),
            f"Error reading {self._label}",
            raw=True,
        )
        transfer.download.body.disable_decoding(response)
        return b"".join(response.iter_content(_READ_SIZE)) == bytes(self._whole)


@lru_cache(maxsize=8)  # several answers come in a second
def _time(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except (TypeError, ValueError):
        return None
