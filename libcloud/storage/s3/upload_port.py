# SPDX-License-Identifier: Apache-2.0
"""The port through which the engine uploads one object: each call is one request of the client.

Create, Complete and Abort call the driver's ``_initiate_multipart``, ``_commit_multipart`` and
``_abort_multipart``, because subclasses override them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from libcloud.common.types import LibcloudError
from libcloud.storage import s3, transfer
from libcloud.storage.arguments import accepts_keyword
from libcloud.storage.payload import Payload
from libcloud.storage.s3 import integrity, requests
from libcloud.storage.s3.checksums import PartSource, StreamedPart
from libcloud.storage.s3.client import S3Client, failure_of
from libcloud.storage.s3.headers import OptionalValue, has_digest, headers_for, mark_optional
from libcloud.storage.s3.http_response import confirmed, etag_of_part, names_object
from libcloud.storage.s3.names import Place
from libcloud.storage.transfer.upload.times import StoreTimes
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
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.s3.responses import PartRecord

_READ_SIZE = 64 * 1024
_NO_DIGEST = Digest()

STORED = (200, 201, 204)
"""Statuses of an object that is stored: 200; of some gateways 201 (created) or 204 (no content)."""


class S3UploadPort:
    """One object of an S3 store, which is about to be uploaded.

    The content is bytes. An object that is too large for that, and that the store takes by one
    request only, is a :class:`~libcloud.storage.payload.Payload`, which is read while it is sent.

    :param driver: has the methods that subclasses override, and holds the client.
    :param headers: of the upload as a whole; each request gets those that belong to it.
    :param digest: a name in :data:`~libcloud.storage.s3.integrity.DIGESTS`;
        :class:`~libcloud.storage.s3.headers.OptionalValue` if the user did not choose it.
    :param method: of the request that sends the whole object.
    :param copy_bodies: hand the connection ``bytes``, not views, because it is not one of ours.
    :param compares_etag: see :class:`~libcloud.storage.s3.integrity.Verifier`.

    ``held`` has the parts that an upload to resume has, by their numbers.
    """

    def __init__(
        self,
        driver: Any,
        place: Place,
        *,
        headers: Mapping[str, str],
        digest: str,
        method: str = "PUT",
        copy_bodies: bool = False,
        compares_etag: bool = True,
    ) -> None:
        self._driver = driver
        self._client: S3Client = driver._client
        self._place = place
        self._container, self._name, self._path = place
        self._method = method
        self._headers = headers
        self._digest_name = digest
        self._digest_asked = type(digest) is not OptionalValue
        self._copy_bodies = copy_bodies
        self._whole: Body | Payload = b""
        self._digest_of_whole = _NO_DIGEST
        self.times = StoreTimes()
        self.held: Mapping[int, PartRecord] = {}
        self._completing = ""
        self._expected = "", _NO_DIGEST
        self._label = place.label
        self._send = partial(self._client.send_once, names=place.names)
        self._verifier = integrity.Verifier(
            driver, self._name, self._label, headers=headers, compares_etag=compares_etag
        )

    @property
    def checksum(self) -> dict[str, str] | None:
        """The checksum of the object that the store reported: ``algorithm`` and ``value``.

        It is equal to that of the data. ``None``: the store reported none.
        """
        return self._verifier.checksum

    def digest(self, body: Body | Payload | StreamedPart) -> Digest:
        if type(body) is Payload:
            return Digest()
        if type(body) is StreamedPart:
            return Digest(self._optional(body.headers))
        digest = integrity.DIGESTS[self._digest_name](body)
        if digest.algorithm in integrity.CRCS:  # a store may refuse their headers
            digest.headers = self._optional(digest.headers)
        return digest

    def put(self, body: Body | Payload, digest: Digest) -> StoredObject:
        self._whole, self._digest_of_whole = body, digest
        headers = self._headers
        if not has_digest(headers):
            headers = {**headers, **digest.headers}
        if isinstance(body, Payload):  # it is read while it is sent
            with body.attempt() as data:
                response = self._send_whole(data, headers)
        else:
            response = self._send_whole(bytes(body) if self._copy_bodies else body, headers)
        found, size = response.headers, len(body)
        if "etag" not in found:
            found = confirmed(response, size, self._head, label=self._label, driver=self._driver)
        self._verifier.check_object(digest, found)
        return StoredObject(strip_etag(found.get("etag", "")), size, 0, found)

    def _send_whole(self, body: Any, headers: Mapping[str, str]) -> Any:
        request = requests.put_object(self._path, headers=headers, body=body, method=self._method)
        return self._send(request, f"Error uploading {self._label}", ok=STORED)

    def create(self) -> str:
        headers = {
            **headers_for(Step.CREATE, self._headers),
            **self._optional(integrity.create_headers(self._digest_name)),
        }
        upload_id: str = self._driver._initiate_multipart(
            self._container, self._name, headers=headers
        )
        self.times.see(getattr(upload_id, "headers", {}))
        return str(upload_id)

    def put_part(
        self, upload_id: str, number: int, body: Body | Payload | StreamedPart, digest: Digest
    ) -> PartReceipt:
        assert not isinstance(body, Payload)  # it is always sent by one request
        held = self.held.get(number)
        if held is not None and s3.multipart.is_same(held, body, digest):
            return PartReceipt(number, str(held.etag), len(body), digest)
        what = f"Error uploading chunk {number} of {self._label}"
        headers = {**headers_for(Step.PART, self._headers), **digest.headers}

        def send(data: Body) -> Any:
            request = requests.put_part(
                self._path, upload_id=upload_id, number=number, body=data, headers=headers
            )
            return self._send(request, what, ok=STORED)

        if isinstance(body, StreamedPart):
            response, digest = body.send(send)
        else:
            response = send(bytes(body) if self._copy_bodies else body)
        etag = etag_of_part(response, what, self._driver)
        self._verifier.check_part(number, digest, response.headers)
        self.times.see(response.headers)
        return PartReceipt(number, etag, len(body), digest)

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        self._completing = upload_id
        headers = {
            **headers_for(Step.COMPLETE, self._headers),
            **self._optional(
                integrity.complete_headers(self._driver.profile, parts, asked=self._digest_asked)
            ),
        }
        commit = self._driver._commit_multipart
        if headers and not accepts_keyword(commit, "headers"):
            # An override with the signature of Apache Libcloud; what the user chose stays.
            headers = {
                name: value
                for name, value in headers.items()
                if not isinstance(value, OptionalValue)
            }
        etag = commit(
            self._container,
            self._name,
            upload_id,
            [(part.number, part.etag) for part in parts],
            **({"headers": headers} if headers else {}),
        )
        response_headers = {**getattr(etag, "headers", {}), "etag": str(etag)}
        self._verifier.check_completed(parts, response_headers)
        size = sum(part.size for part in parts)
        known = strip_etag(str(etag)) or self._find_etag(parts, size)
        return StoredObject(known, size, len(parts), {**response_headers, "etag": known})

    def confirm(
        self, parts: Sequence[PartReceipt], size: int
    ) -> tuple[Confirmation, StoredObject | None]:
        whole = self._whole
        if not parts and isinstance(whole, Payload):
            if not whole.is_complete:  # a store does not publish a body that was cut short
                return Confirmation.ABSENT, None
            size = len(whole) or whole.size
        sent = self._digest_of_whole if not parts else integrity.whole_checksum(parts)
        headers = {
            **headers_for(Step.CONFIRM, self._headers),
            **self._optional(integrity.look_headers(sent)),
        }
        response = self._head(headers)
        if response.status == 404:
            return Confirmation.ABSENT, None
        found = dict(response.headers)
        etag = strip_etag(found.get("etag", ""))
        comparison = self._verifier.reported(sent, found)
        if comparison is None:
            verdict = self._verdict(etag, parts, size, found)
        else:
            verdict = Confirmation.STORED if comparison.same else Confirmation.ABSENT
        if verdict is not Confirmation.STORED:
            return verdict, None
        self._verifier.check_object(sent, found)
        return verdict, StoredObject(etag, size, len(parts), found)

    def abort(self, upload_id: str) -> None:
        headers = headers_for(Step.ABORT, self._headers)
        abort = self._driver._abort_multipart
        if not headers or not accepts_keyword(abort, "headers"):
            abort(self._container, self._name, upload_id)
        else:
            abort(self._container, self._name, upload_id, headers=headers)

    def has_parts(self, upload_id: str) -> bool:
        request = requests.list_parts(
            self._path,
            upload_id=upload_id,
            page_size=1,
            headers=headers_for(Step.CHECK, self._headers),
        )
        what = f"Error listing the parts of {self._label}"
        page = self._client.parse(s3.responses.parse_parts, self._send(request, what), what)
        return bool(page.entries) or page.is_truncated

    def failure(self, step: Step, error: Exception) -> Failure:
        stream = self._whole if isinstance(self._whole, Payload) else None
        if stream is not None and error is stream.source_error:
            return Failure(error)
        if isinstance(error, ObjectHashMismatchError):
            failure = Failure(error, transient=step is not Step.COMPLETE, contradicted=True)
        else:
            failure = failure_of(error)
        if step is Step.COMPLETE and getattr(error, "code", None) == "BadDigest":
            # Of the object, not of this request: the parts that the store holds do not change.
            return replace(failure, transient=False)
        if stream is not None and step is Step.PUT and not stream.can_be_sent_again:
            return replace(failure, transient=False)
        return failure

    # An upload that several processes continue.

    @property
    def shared_headers(self) -> Mapping[str, str]:
        return s3.headers.headers_of_parts(self._headers)

    def attach(self, upload_id: str, since: datetime) -> None:
        self._completing = upload_id
        self.times.start(since)

    def stored_parts(self, upload_id: str) -> Iterator[PartReceipt]:
        profile, opaque = self._driver.profile, self._verifier.is_opaque({})
        for part in s3.multipart.parts(self._client, self._place, upload_id, self._headers):
            digest = integrity.reported_digest(profile, part.etag, part.checksums, opaque=opaque)
            yield PartReceipt(part.number, part.etag or "", part.size, digest)

    def published(
        self, upload_id: str, sizes: Sequence[int]
    ) -> tuple[Confirmation, StoredObject | None]:
        """Whether the object was made by this upload: exactly if :meth:`expect` was called.

        Otherwise, or if keys of KMS encrypt the object and it has no checksum, one of the same
        size and number of parts, which was written since the upload began, counts.
        """
        if self._exists(upload_id):
            return Confirmation.ABSENT, None
        expected, whole = self._expected
        headers = headers_for(Step.CONFIRM, self._headers)
        response = self._head({**headers, **self._optional(integrity.look_headers(whole))})
        found, size = dict(response.headers), sum(sizes)
        etag = strip_etag(found.get("etag", ""))
        counted = etag.endswith(f"-{len(sizes)}") or not self._driver.profile.multipart_etag
        if response.status == 404 or found.get("content-length") != str(size) or not counted:
            return Confirmation.ABSENT, None
        stored = StoredObject(etag, size, len(sizes), found)
        same = self._verifier.is_expected(expected, whole, found)
        if same is None:
            return self.times.written_since(found), stored
        if same:
            return Confirmation.STORED, stored
        # What is younger may have replaced what this upload had published.
        return (Confirmation.UNCLEAR if self.times.is_newer(found) else Confirmation.ABSENT), None

    def describe(self, parts: Sequence[PartReceipt]) -> tuple[str, str]:
        """The ETag and the checksum of the object of these parts, as :meth:`expect` takes them."""
        return self._verifier.identity(parts)

    def expect(self, etag: str, whole: str) -> None:
        """The object that the upload makes has this ETag and this checksum; empty: unknown."""
        self._expected = etag, integrity.digest_of(whole)

    def streamed_part(self, source: PartSource, size: int, what: str) -> StreamedPart | None:
        """A part that is sent while it is made; ``None`` if its checksum must precede it."""
        refused = self._copy_bodies or s3.headers.CHECKSUM in self._client.unsupported.names
        checksum = integrity.trailing_checksum(self._driver.profile, self._digest_name)
        return None if refused or checksum is None else StreamedPart(source, size, checksum, what)

    def _exists(self, upload_id: str) -> bool:
        try:
            self.has_parts(upload_id)
        except LibcloudError as error:
            if failure_of(error).upload_gone:
                return False
            raise
        return True

    def _head(self, headers: Mapping[str, str] | None = None) -> Any:
        headers = headers or headers_for(Step.CONFIRM, self._headers)
        request = requests.head(self._path.partition("?")[0], headers)
        return self._send(request, f"Error looking for {self._label}", ok=(200, 404))

    def _optional(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Headers that make a request safer, marked as far as the user did not ask for them."""
        return mark_optional(headers, digest_asked=self._digest_asked)

    def _find_etag(self, parts: Sequence[PartReceipt], size: int) -> str:
        """The ETag of the object that Complete has just published without reporting one.

        Ceph RGW responds to every Complete with an empty ETag. Another client may have replaced the
        object meanwhile; the ETag of another object is not used.
        """
        try:
            response = self._head()
        except (LibcloudError, OSError):
            return ""
        found = response.headers
        if response.status == 404 or found.get("content-length") != str(size):
            return ""
        etag = strip_etag(found.get("etag", ""))
        expected = integrity.expected_etag(parts)
        if expected not in (None, etag) and not self._verifier.is_opaque(found):
            return ""
        return etag

    def _verdict(
        self, etag: str, parts: Sequence[PartReceipt], size: int, headers: Mapping[str, str]
    ) -> Confirmation:
        """Whether the object that exists is the one that was sent."""
        if not parts and integrity.is_md5(etag) and not self._verifier.is_opaque(headers):
            whole = self._whole
            known = whole.digest() if isinstance(whole, Payload) else integrity.md5_hex(whole)
            return Confirmation.STORED if etag == known else Confirmation.ABSENT
        if etag and etag == integrity.expected_etag(parts):
            return Confirmation.STORED
        if headers.get("content-length") != str(size) or not (size or names_object(headers)):
            return Confirmation.ABSENT
        if self._driver.profile.multipart_etag and parts and not self._verifier.is_opaque(headers):
            return Confirmation.ABSENT
        # The ETag is not conclusive. An object of this size, written since the start of the upload,
        # may be another client's.
        ours = self._is_ours(parts)
        if ours is False:
            return Confirmation.ABSENT
        return Confirmation.STORED if ours and not parts else self.times.written_since(headers)

    def _is_ours(self, parts: Sequence[PartReceipt]) -> bool | None:
        """Whether an object of the right size may be ours; ``None`` if that is not known.

        It is not while the upload that it should be made of still exists. What was sent by one
        request is compared, as long as it is in memory.
        """
        try:
            if parts:
                return not self.has_parts(self._completing)
            if isinstance(self._whole, Payload):
                return None
            return self._has_content(bytes(self._whole))
        except LibcloudError as error:
            if failure_of(error).transient:
                raise
            return None

    def _has_content(self, content: bytes) -> bool:
        headers = {"Accept-Encoding": "identity", **headers_for(Step.CONFIRM, self._headers)}
        response = self._send(
            requests.get_object(self._path, headers=headers),
            f"Error reading {self._label}",
            raw=True,
        )
        transfer.download.body.disable_decoding(response)
        return b"".join(response.iter_content(_READ_SIZE)) == content
