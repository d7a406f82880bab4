# SPDX-License-Identifier: Apache-2.0
"""Uploads: their headers, the upload of the engine, and uploads without it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from libcloud.storage import s3, transfer
from libcloud.storage.arguments import plain_headers
from libcloud.storage.base import Container, Object
from libcloud.storage.capabilities import Limits
from libcloud.storage.driver_helpers import concurrency_of
from libcloud.storage.keywords import UploadKeywords
from libcloud.storage.s3 import requests
from libcloud.storage.s3.client import ClientOwner, S3Client, failure_of
from libcloud.storage.s3.headers import headers_for
from libcloud.storage.s3.http_response import etag_of_part
from libcloud.storage.s3.names import Place
from libcloud.storage.s3.upload_port import S3UploadPort
from libcloud.storage.transfer.upload.session import DEFAULT_OPTIONS, ObjectUpload, split_keywords
from libcloud.storage.transfer.values import StoredObject
from libcloud.storage.types import UploadOutcomeUnknownError
from libcloud.utils.arguments import unexpected_keyword
from libcloud.utils.headers import strip_etag

if TYPE_CHECKING:
    from libcloud.storage.payload import Payload
    from libcloud.storage.transfer.budget import MemoryBudget
    from libcloud.storage.transfer.values import Body
    from libcloud.utils.bodies import Pieces

_log = logging.getLogger(__name__)

# Of an object that is sent by one request, whatever its size: the store checks its own limits.
_ONE_REQUEST = Limits(
    min_part_size=1,
    max_part_size=sys.maxsize,
    max_parts=2,
    max_object_size=sys.maxsize,
    max_put_size=sys.maxsize,
    equal_parts=True,
)


class Reported(str):
    """The upload id, or the ETag without quotes, of a response, with the headers of the response.

    A ``str``, because ``_initiate_multipart`` and ``_commit_multipart`` return one.
    """

    headers: Mapping[str, str] = {}


class UploadDriver(ClientOwner, Protocol):
    """The attributes of the driver that uploads and copies read."""

    @property
    def supports_s3_multipart_upload(self) -> bool: ...

    @property
    def ex_max_memory(self) -> int | MemoryBudget | None: ...

    @property
    def _client(self) -> S3Client: ...

    def _get_object_path(self, container: Container, object_name: str) -> str: ...

    def _get_content_length_from_headers(self, headers: Mapping[str, str]) -> str | None: ...

    def ex_get_object_tags(self, obj: Object) -> dict[str, str]: ...


def split_options(
    driver: UploadDriver, headers: Mapping[str, str] | None, keywords: Mapping[str, object]
) -> tuple[Mapping[str, str] | None, dict[str, Any]]:
    """The headers with those that keywords ask for, and the keywords of the engine.

    :return: ``headers`` themselves, unchecked, if no keyword asks for any.
    :raises ValueError: a value is invalid, or not supported by this driver. Nothing was sent.
    """
    if not keywords:
        return headers, {}
    of_object: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in keywords.items():
        if name not in UploadKeywords.__annotations__:
            raise unexpected_keyword(name, UploadKeywords.__annotations__)
        (of_object if name in s3.options.OF_OBJECT else rest)[name] = value
    if rest and not driver.supports_s3_multipart_upload:
        raise ValueError(
            f"{', '.join(sorted(rest))}: only uploads in parts have this, and the driver "
            f"{driver.name!r} makes none (supports_s3_multipart_upload is False)"
        )
    if not of_object:
        return headers, rest
    return s3.options.write_headers(of_object, plain_headers(headers), driver), rest


def is_one_request(driver: UploadDriver, size: int | None, keywords: Mapping[str, object]) -> bool:
    """Whether a file is sent by one request; with ``keywords``, the engine plans the parts."""
    if not driver.supports_s3_multipart_upload:
        return True
    largest = min(transfer.upload.plan.DEFAULT_PART_SIZE, driver.profile.limits.max_put_size)
    return not keywords and size is not None and size <= largest


def session_of(
    driver: UploadDriver,
    place: Place,
    headers: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> tuple[S3UploadPort, ObjectUpload[bytes | Pieces]]:
    """The port of an object, and the upload through it; see :func:`split_options`."""
    profile = driver.profile
    if not profile.multipart_conditions and s3.headers.has_condition(headers):
        raise ValueError(
            f"{profile.name} has no preconditions for uploads in parts: upload the object "
            "with a driver that does not upload in parts"
        )
    own, chosen = split_keywords(options or {}, ("ex_checksum",), max_memory=driver.ex_max_memory)
    concurrency = concurrency_of(driver.connection)
    port = S3UploadPort(
        driver,
        place,
        headers=headers,
        digest=_digest_name(driver, place, headers, own.get("ex_checksum", "auto")),
        copy_bodies=concurrency == 1,
    )
    retries = driver._client.retry_loop.retries()
    return port, ObjectUpload(
        port, profile.limits, chosen, retries, concurrency, driver, *place.names
    )


def whole_session(
    driver: Any, object_name: str, path: str, *, headers: Mapping[str, str], method: str
) -> tuple[S3UploadPort, ObjectUpload[Body | Payload]]:
    """The same for an object that is sent by one request; ``path`` may have a query."""
    container = Container(unquote(path.lstrip("/").partition("/")[0]), {}, driver)
    place = Place(container, object_name, path)
    port = S3UploadPort(
        driver,
        place,
        headers=headers,
        digest=_digest_name(driver, place, headers),
        method=method,
        compares_etag=False,  # ``verify_hash`` decides
    )
    retries = driver._client.retry_loop.retries()
    return port, ObjectUpload(port, _ONE_REQUEST, DEFAULT_OPTIONS, retries, 1, driver, *place.names)


def _digest_name(
    driver: UploadDriver, place: Place, headers: Mapping[str, str], asked: str | None = "auto"
) -> str:
    """Which digest to send along; see :func:`~libcloud.storage.s3.integrity.chosen_digest`.

    It is marked if the user did not choose it, and omitted if the store refuses it.
    """
    profile, client = driver.profile, driver._client
    signature = client.signature_version()
    secure = bool(getattr(driver.connection, "secure", False))
    choose = partial(s3.integrity.chosen_digest, signature=signature, secure=secure)
    if asked != "auto":
        return choose(asked)
    if place.container.name in client.md5_containers:
        return s3.headers.OptionalValue(choose("md5"))
    if s3.headers.CHECKSUM in client.unsupported.names:
        profile = replace(profile, default_checksum=None)
    choose_cheapest, locked = s3.integrity.cheapest_digest, s3.headers.has_lock(headers)
    name = choose_cheapest(profile, signature=signature, secure=secure, locked=locked)
    return s3.headers.OptionalValue(name)


def reported_checksum(
    driver: UploadDriver, headers: Mapping[str, str], data_hash: str | None
) -> dict[str, str] | None:
    """The checksum that the store reported of an object, after it was compared."""
    found = s3.checksums.checksum_in(headers)
    if found is not None:
        return {"algorithm": found[0].name, "value": s3.checksums.encoded(found[1])}
    if data_hash is None:
        return None
    etag = strip_etag(headers.get("etag", ""))
    if etag != data_hash or not s3.integrity.is_md5(etag) or not driver.profile.etag_is_md5:
        return None
    return None if s3.integrity.encrypted(headers) else {"algorithm": "md5", "value": etag}


# Uploads in parts by the methods of Apache Libcloud, of which a user's subclass overrides one. They
# run one after another, in the order of Apache Libcloud and without the transfer engine.


def upload_by_chunks(
    driver: Any,
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
        "response": StoredObject(str(etag), size, len(chunks), getattr(etag, "headers", {})),
        "bytes_transferred": size,
        "data_hash": data_hash,
    }


def upload_chunks(
    client: S3Client, place: Place, upload_id: str, stream: object, hasher: Any
) -> tuple[list[tuple[int, str]], str | None, int]:
    """See ``_upload_multipart_chunks`` of the driver; ``hasher`` is ``None`` to hash nothing."""
    source, size = transfer.upload.source.PartSource(stream), 0
    chunks: list[tuple[int, str]] = []
    last = False
    while not last:
        number = len(chunks) + 1
        part = source.next_part(transfer.upload.plan.DEFAULT_PART_SIZE)
        last, body = part.last, bytes(part.body)
        request = requests.put_part(place.path, upload_id=upload_id, number=number, body=body)
        what = f"Error uploading chunk {number} of {place.label}"
        response = client.send(request, what, names=place.names)
        chunks.append((number, etag_of_part(response, what, client.owner)))
        size += len(body)
        if hasher is not None:
            hasher.update(body)
    return chunks, hasher.hexdigest() if hasher is not None else None, size
