# SPDX-License-Identifier: Apache-2.0
"""The first response of a download: the request, and whether the response is what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libcloud.common.response import RawResponse
from libcloud.common.types import LibcloudError, MalformedResponseError
from libcloud.storage import drivers, s3api
from libcloud.storage.base import Object
from libcloud.storage.drivers import s3_reading
from libcloud.storage.drivers.s3_objects import AS_STORED
from libcloud.storage.s3api.etags import strip_etag
from libcloud.storage.s3api.ranges import Extent, UnexpectedExtentError, Validator
from libcloud.storage.types import (
    ObjectChangedError,
    ObjectDoesNotExistError,
    PreconditionFailedError,
)
from libcloud.utils.arguments import size_of

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest

__all__ = ["Download", "Wanted", "open_download", "validator_of"]

_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of an object.

    :param start: first byte; ``None`` for the whole object.
    :param end: the byte after the last one; ``None`` for the end of the object.
    :param verify: for a whole object; see ``download_object`` of the driver.
    :param validator: of the version that is wanted; ``None``: any.
    """

    start: int | None = None
    end: int | None = None
    verify: bool | None = False
    validator: Validator | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """A response whose body is not read yet.

    :param length: bytes of the body; ``None`` if nothing tells.
    """

    response: Any
    length: int | None


def open_download(driver: Any, obj: Object, headers: Mapping[str, str], wanted: Wanted) -> Download:
    """Ask for the bytes of ``obj``; they are not read yet.

    Where it can, the body goes on after its connection breaks; see :mod:`.s3_reading`.

    :param headers: further ones of the request.
    :raises ObjectDoesNotExistError: there is no such object.
    :raises ObjectChangedError: it is another version than the one that is wanted, or has another
        size than the one that is known.
    :raises MalformedResponseError: the response brings other bytes than those asked for.
    """
    what = f"Error downloading {obj.container.name}/{obj.name}"
    request = _request(driver, obj, headers, wanted)
    response = _send(driver, obj, request, wanted, what)
    try:
        extent = _check(driver, obj, response, wanted, what)
    except BaseException:
        if isinstance(response, RawResponse):
            response._response.close()
        raise
    s3_reading.leave_encoded(response)
    version = s3_reading.version_of(
        response, driver=driver, obj=obj, request=request, start=wanted.start or 0, extent=extent
    )
    told = drivers.s3_verify.verification_of(driver, obj, response.headers, wanted=wanted.verify)
    # The number of bytes of a whole file is compared by who saves it.
    alone = wanted.start is None and version is None
    length = None if alone else extent.length
    s3_reading.wrap_body(response, obj, version=version, verification=told, length=length)
    return Download(response, _length(response, extent, obj, wanted))


def validator_of(obj: Object) -> Validator:
    """What tells the version of ``obj``, as the driver has made it, from others."""
    etag = obj.extra.get("etag") or (f'"{obj.hash}"' if obj.hash else "")
    modified = obj.extra.get("last_modified")
    in_http_form = isinstance(modified, str) and modified.endswith("GMT")
    return Validator(str(etag), str(modified) if in_http_form else "", _known_size(obj))


def _request(driver: Any, obj: Object, headers: Mapping[str, str], wanted: Wanted) -> HttpRequest:
    sent = {**AS_STORED, **headers}
    if wanted.validator is not None:
        # Compared with the response, too: a store that refuses conditions is asked without them.
        sent.update(s3api.optional.unasked(wanted.validator.conditions()))
    if wanted.start is not None:
        sent["Range"] = driver._get_standard_range_str(wanted.start, wanted.end)
    if wanted.verify is not False and driver.profile.checksums:
        sent.update(s3api.optional.unasked(s3api.received.MODE_HEADERS))
    path = driver._get_object_path(obj.container, obj.name)
    return s3api.operations.get_object(path, headers=sent)


def _send(driver: Any, obj: Object, request: HttpRequest, wanted: Wanted, what: str) -> Any:
    pinned = wanted.validator is not None
    try:
        response = driver._client.send(
            request,
            what,
            ok=(200, 206, 404),
            raw=True,
            container_name=obj.container.name,
            object_name=obj.name,
        )
        if response.status == 404:
            raise driver._client.object_not_found(response, obj.container.name, obj.name)
    except (PreconditionFailedError, ObjectDoesNotExistError) as error:
        if not pinned:
            raise
        raise _changed(obj, "was replaced or deleted") from error
    except LibcloudError as error:
        size = _known_size(obj)
        outside = getattr(error, "status", None) == _NOT_SATISFIABLE
        if not outside or size is None or (wanted.start or 0) >= size:
            raise
        raise _changed(obj, f"is shorter than the {size} bytes that it had") from error
    return response


def _check(driver: Any, obj: Object, response: Any, wanted: Wanted, what: str) -> Extent:
    """Compare a response with what was wanted, and with what is known of the object."""
    headers, size = response.headers, _known_size(obj)
    is_page = s3api.evidence.is_page_of_object(headers)
    if is_page and headers.get("content-length") != str(size_of(obj)):
        raise s3api.evidence.not_the_store(driver.connection, response.status, "", what)
    if wanted.validator is not None and not wanted.validator.agrees(headers, None):
        raise _changed(obj, "was replaced")
    try:
        extent = s3api.ranges.extent_of(
            response.status, headers, start=wanted.start, end=wanted.end, size=size
        )
    except UnexpectedExtentError as error:
        raise MalformedResponseError(f"{what}: {error}", driver=driver) from error
    if None in (size, extent.total) or size == extent.total:
        return extent
    etag = strip_etag(headers.get("etag", ""))
    if obj.hash and etag in ("", obj.hash) and not _is_transcoded(headers):
        text = f"{what}: it has {size} bytes, and the response says {extent.total}"
        raise MalformedResponseError(text, driver=driver)
    if wanted.start is None:
        return extent  # all of another version
    raise _changed(obj, f"has {extent.total} bytes, not the {size} that it had")


def _length(response: Any, extent: Extent, obj: Object, wanted: Wanted) -> int | None:
    """Bytes that the body of a stream must have."""
    headers = response.headers
    if wanted.start is not None:
        return extent.length
    if "content-encoding" in headers and not isinstance(response, RawResponse):
        return None  # a foreign class may decode it
    if extent.length is not None:
        return extent.length
    return None if _is_transcoded(headers) else _known_size(obj)


def _is_transcoded(headers: Mapping[str, str]) -> bool:
    """Whether Google may have decompressed the body; its size is not that of the object.

    Reference: Google Cloud Storage, "Transcoding of gzip-compressed files".
    """
    return headers.get("x-goog-stored-content-encoding", "identity") != "identity"


def _changed(obj: Object, why: str) -> ObjectChangedError:
    text = f"{obj.container.name}/{obj.name} {why}: look at it again, and start again"
    return ObjectChangedError(text, obj.driver, obj.name)


def _known_size(obj: Object) -> int | None:
    """The size of an object that was looked at; one that was made by hand may have none."""
    size = size_of(obj)
    return size if size and size > 0 else None
