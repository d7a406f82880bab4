# SPDX-License-Identifier: Apache-2.0
"""Copies that the store makes: no byte of the object passes through the client.

Up to the size of one PUT a copy is one request. Larger objects are copied in parts by the upload
engine, where a part is a range of the source: the retries, the parallel requests and the abort are
those of uploads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import s3
from libcloud.storage.base import Object
from libcloud.storage.capabilities import MIB, Limits
from libcloud.storage.driver_helpers import concurrency_of
from libcloud.storage.metadata import metadata_in
from libcloud.storage.s3 import integrity, requests
from libcloud.storage.s3.headers import headers_for
from libcloud.storage.s3.names import Place
from libcloud.storage.s3.upload_port import S3UploadPort
from libcloud.storage.s3.uploads import UploadDriver
from libcloud.storage.transfer.download.port import Validator, content_length
from libcloud.storage.transfer.download.start import changed
from libcloud.storage.transfer.upload.session import ObjectUpload, UploadOptions
from libcloud.storage.transfer.upload.source import RangeSource
from libcloud.storage.transfer.values import Confirmation, Digest, PartReceipt, Step, StoredObject
from libcloud.storage.types import ObjectChangedError, ObjectTooLargeError, PreconditionFailedError
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest
    from libcloud.storage.s3.headers import CopyHeaders, Given
    from libcloud.storage.s3.responses import Published

DEFAULT_COPY_PART_SIZE = 256 * MIB
"""Bytes per part of a copy by default. A part is never in memory here."""

_CUSTOMER = "x-amz-server-side-encryption-customer-"

_MD5_OF_NOTHING = integrity.md5_hex(b"")


@dataclass(frozen=True, slots=True)
class Source:
    """The object to copy, as a HEAD request with ``request_headers`` found it: ``seen``."""

    place: Place
    size: int
    seen: Mapping[str, str]
    request_headers: Mapping[str, str] = field(repr=False)  # a customer's key may be there
    version_id: str | None = None

    @property
    def path(self) -> str:
        """For the header that names the source."""
        version_id = self.version_id
        version = "" if version_id is None else f"?versionId={quote(version_id, safe='')}"
        return self.place.path + version

    @property
    def validator(self) -> Validator:
        seen = self.seen
        return Validator(seen.get("etag", ""), seen.get("last-modified", ""), self.size)

    @property
    def etag(self) -> str | None:
        """The ETag for preconditions, without quotes; ``None`` if there is none, or a weak one."""
        etag = self.seen.get("etag", "")
        return None if etag.startswith("W/") else strip_etag(etag) or None


def copy_object(
    driver: UploadDriver,
    obj: Object,
    target: Place,
    headers: Mapping[str, str],
    *,
    metadata: Mapping[str, object] | None,
    content_type: str | None,
    options: UploadOptions,
) -> Object:
    """Copy an object; the arguments are those of ``ex_copy_object`` of the driver."""
    given = s3.headers.split_headers(headers, driver.http_vendor_prefix)
    unchanged = not s3.headers.changes(given, metadata, content_type)
    _check_copy(driver, obj, target, unchanged=unchanged)
    found = _look_up(driver, obj, given)
    sent = s3.headers.copy_headers(given, found.seen, metadata=metadata, content_type=content_type)
    limits, size = _limits(driver, found, options.part_size)
    if found.size > size:
        sent = _with_tags(driver, obj, found, sent, given.vendor)
    # A copy is not in memory here, so no memory limit narrows its window.
    options = replace(options, part_size=size, max_memory=max(found.size, 1), size=found.size)
    port, retries = CopyPort(driver, found, target, sent), driver._client.retry_loop.retries()
    concurrency = concurrency_of(driver.connection)
    session = ObjectUpload(port, limits, options, retries, concurrency, driver, *target.names)
    return _copied(driver, session.send(RangeSource(found.size)), target, sent)


def copy_part(
    driver: UploadDriver,
    obj: Object,
    span: range,
    target: Place,
    headers: Mapping[str, str],
    *,
    upload_id: str,
    number: int,
) -> PartReceipt:
    """Copy ``span`` of ``obj`` as a part of an upload; one request, without retries.

    :param obj: as it must still be: its ETag is a precondition.
    """
    place = Place(obj.container, obj.name, driver._get_object_path(obj.container, obj.name))
    seen = {"etag": obj.hash or "", "content-length": str(obj.size)}
    key = {name: value for name, value in headers.items() if name.lower().startswith(_CUSTOMER)}
    source = Source(place, obj.size, seen, key)
    of_source = {f"x-amz-copy-source-{name[len('x-amz-') :]}": key[name] for name in key}
    carried = s3.headers.CopyHeaders({}, headers, of_source)
    port = CopyPort(driver, source, target, carried)
    part, copied = port.copy_part(upload_id, number, span)
    opaque = integrity.encrypted(headers)
    digest = integrity.reported_digest(driver.profile, copied.etag, copied.checksums, opaque=opaque)
    return replace(part, digest=digest)


def _check_copy(driver: UploadDriver, obj: Object, target: Place, *, unchanged: bool) -> None:
    """:raises ValueError: ``obj`` cannot be copied there. Nothing was sent."""
    # A version that is copied to its own name becomes the newest one.
    is_newest = s3.objects.version_of(obj) is None
    if (obj.container.name, obj.name) == target.names and unchanged and is_newest:
        raise ValueError(
            f"{target.label} would be copied onto itself without a change, which S3 "
            "refuses: pass another name, or metadata, a content type or a storage class"
        )
    if not driver._client.shares_store(obj.driver):
        raise ValueError(
            f"{obj.name} is in another store ({obj.driver.name}), and a store only copies its own "
            "objects: download it and upload it"
        )


def _look_up(driver: UploadDriver, obj: Object, given: Given) -> Source:
    place = Place(obj.container, obj.name, driver._get_object_path(obj.container, obj.name))
    headers = s3.headers.head_headers(given)

    def look_up(version_id: str | None, validator: Validator | None = None) -> Source:
        seen = s3.objects.look_up(driver._client, place, headers, version_id)
        if validator is not None and not validator.agrees(seen, None):
            raise changed(obj, "was replaced")
        size = int(driver._get_content_length_from_headers(headers=seen) or obj.size)
        return Source(place, size, dict(seen), headers, version_id)

    return s3.objects.read_version(obj, look_up)


def _limits(driver: UploadDriver, source: Source, part_size: int | None) -> tuple[Limits, int]:
    """The limits for the copy, and the size of its parts."""
    profile, limits = driver.profile, driver.profile.limits
    fits_one = profile.copies_any_size or source.size <= limits.max_put_size
    in_parts = driver.supports_s3_multipart_upload and profile.supports_multipart
    if not in_parts or not profile.supports_copy_part:
        if not fits_one:
            raise ObjectTooLargeError(
                f"{source.place.label} has {source.size} bytes. One request copies "
                f"{limits.max_put_size} at most, and {profile.name} is not known to copy "
                "in parts; nothing was sent",
                driver,
                source.place.name,
            )
    elif not fits_one or (part_size is not None and source.size > part_size):
        return limits, part_size or DEFAULT_COPY_PART_SIZE
    whole = max(source.size, 1)
    limits = replace(limits, max_parts=1, max_part_size=whole, max_object_size=whole)
    return replace(limits, max_put_size=whole), whole


def _with_tags(
    driver: UploadDriver, obj: Object, source: Source, headers: CopyHeaders, vendor: str
) -> CopyHeaders:
    """``headers`` with the tags of the source, which S3 copies only by one request."""
    header = f"{vendor}-tagging"
    if not driver.profile.tags:
        return headers
    given = {name.lower() for name in (*headers.whole, *headers.in_parts)}
    if given & {header, f"{header}-directive"} or not int(source.seen.get(f"{header}-count") or 0):
        return headers
    tags = driver.ex_get_object_tags(obj)
    if not tags:
        return headers
    return headers._replace(in_parts={**headers.in_parts, header: s3.options.tagging(tags)})


def _copied(
    driver: UploadDriver, stored: StoredObject, target: Place, headers: CopyHeaders
) -> Object:
    described = {name.lower(): value for name, value in headers.in_parts.items()}
    extra = {"content_type": described.get("content-type")}
    version = stored.headers.get("x-amz-version-id")
    if version:
        extra["version_id"] = version
    meta_data = metadata_in(described, f"{driver.http_vendor_prefix}-meta-")
    return Object(
        target.name,
        stored.size,
        stored.etag or None,
        extra,
        meta_data,
        target.container,
        target.container.driver,
    )


class CopyPort:
    """The engine's port for an object that the store copies."""

    def __init__(
        self, driver: UploadDriver, source: Source, target: Place, headers: CopyHeaders
    ) -> None:
        self._driver = driver
        self._client = driver._client
        self._source = source
        self._target = target
        self._headers = headers
        self._what = f"Error copying {source.place.label} to {target.label}"
        # Everything that does not differ from an upload.
        sent = headers.in_parts
        self._upload = S3UploadPort(driver, target, headers=sent, digest="none")
        self._upload.times.see(source.seen)
        self.create = self._upload.create
        self.abort = self._upload.abort
        self.has_parts = self._upload.has_parts
        self.failure = self._upload.failure

    def digest(self, body: range) -> Digest:
        return Digest()

    def put(self, body: range, digest: Digest) -> StoredObject:
        request = requests.copy_object(
            self._target.path,
            source=self._source.path,
            if_match=self._source.etag,
            headers={**self._headers.whole, **self._source_headers()},
            vendor=self._driver.http_vendor_prefix,
        )
        response, copied = self._copy(request, self._what)
        return StoredObject(copied.etag, len(body), 0, dict(response.headers))

    def put_part(self, upload_id: str, number: int, body: range, digest: Digest) -> PartReceipt:
        return self.copy_part(upload_id, number, body)[0]

    def copy_part(self, upload_id: str, number: int, body: range) -> tuple[PartReceipt, Published]:
        """Copy a part, and return what the store reports of it, too."""
        what = f"{self._what}, part {number}"
        request = requests.copy_part(
            self._target.path,
            upload_id=upload_id,
            number=number,
            source=self._source.path,
            span=body,
            if_match=self._source.etag,
            headers={**headers_for(Step.PART, self._headers.in_parts), **self._source_headers()},
            vendor=self._driver.http_vendor_prefix,
        )
        response, copied = self._copy(request, what)
        if not copied.etag:
            raise MalformedResponseError(f"{what}: the response has no ETag", driver=self._driver)
        if copied.etag == _MD5_OF_NOTHING:
            raise self._unsupported(what)
        self._upload.times.see(response.headers)
        return PartReceipt(number, copied.etag, len(body), Digest()), copied

    def complete(self, upload_id: str, parts: Sequence[PartReceipt]) -> StoredObject:
        # Stores that ignore the precondition may have copied parts of two versions.
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
        response = self._send(request, f"Error looking for {self._target.label}", ok=(200, 404))
        headers = dict(response.headers)
        if response.status == 404 or headers.get("content-length") != str(size):
            return Confirmation.ABSENT, None
        # The ETag of a copy may differ from that of its source: size and time have to suffice.
        verdict = self._upload.times.written_since(headers)
        stored = StoredObject(strip_etag(headers.get("etag", "")), size, 0, headers)
        return verdict, stored if verdict is Confirmation.STORED else None

    def _source_headers(self) -> dict[str, str]:
        """Headers about the source; without an ETag, the time that it must still have."""
        headers = dict(self._headers.of_source)
        modified = self._source.seen.get("last-modified")
        if self._source.etag is None and modified:
            name = f"{self._driver.http_vendor_prefix}-copy-source-if-unmodified-since"
            headers.setdefault(name, modified)
        return headers

    def _copy(self, request: HttpRequest, what: str) -> tuple[Any, Published]:
        """The response, and what it says about the copy."""
        try:
            response = self._send(request, what)
        except PreconditionFailedError as error:
            if self._source_has_changed():
                raise self._changed() from error
            raise  # it is a precondition of the caller
        if not (response.body or "").strip():
            raise self._unsupported(what)
        return response, self._client.parse(s3.responses.parse_copy, response, what)

    def _source_has_changed(self) -> bool:
        place = self._source.place
        request = requests.head(place.path, self._source.request_headers)
        response = self._client.send(
            requests.of_version(request, self._source.version_id),
            f"Error looking for {place.label}",
            ok=(200, 404),
            names=place.names,
        )
        if response.status == 404:
            return True
        size = content_length(response.headers)
        return not self._source.validator.agrees(response.headers, size)

    def _changed(self) -> ObjectChangedError:
        place = self._source.place
        text = f"{self._what}: {place.label} was replaced or deleted; nothing is published"
        return ObjectChangedError(text, self._driver, place.name)

    def _send(self, request: HttpRequest, what: str, ok: Sequence[int] = (200,)) -> Any:
        return self._client.send_once(request, what, ok=ok, names=self._target.names)

    def _unsupported(self, what: str) -> LibcloudError:
        """The error for a request that the store took for another one.

        "rclone serve s3" 1.75.2 reports success for UploadPartCopy and stores a part without bytes.
        """
        return LibcloudError(
            f"{what}: the store reported success and copied nothing, so it does not support this "
            "request. Set supports_copy_part=False in the profile of the driver, or download the "
            "object and upload it",
            driver=self._driver,
        )
