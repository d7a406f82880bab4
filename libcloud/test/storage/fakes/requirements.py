# SPDX-License-Identifier: Apache-2.0
"""Headers of an upload: what is kept with the object, and what is refused."""

from __future__ import annotations

import base64
import hashlib

from libcloud.test.storage.fakes.errors import (
    S3Error,
    invalid_argument,
    invalid_request,
    not_implemented,
)
from libcloud.test.storage.fakes.state import Call, StoredObject
from libcloud.test.storage.fakes.wire import Incoming

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-acl",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
)
_ACLS = frozenset(
    [
        "private",
        "public-read",
        "public-read-write",
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
        "log-delivery-write",
    ]
)
_STORAGE_CLASSES = frozenset(
    [
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
        # Google's
        "NEARLINE",
        "COLDLINE",
        "ARCHIVE",
    ]
)
_ENCRYPTIONS = frozenset(
    [
        "AES256",
        "aws:kms",
        "aws:kms:dsse",
    ]
)
_CUSTOMER = "server-side-encryption-customer-"


def object_headers(request: Incoming, *, copy: bool = False) -> dict[str, str]:
    """The headers that stay with an object.

    :param copy: the request may name an object to copy.
    :raises S3Error: a value that S3 does not know, or more than 2 KiB of metadata.
    """
    found = {
        name: value
        for name, value in request.header_values.items()
        if name in _KEPT or name.startswith("x-amz-meta-")
    }
    found.setdefault("content-type", "binary/octet-stream")
    _one_of(found, "x-amz-acl", _ACLS, "InvalidArgument")
    _one_of(found, "x-amz-storage-class", _STORAGE_CLASSES, "InvalidStorageClass")
    _one_of(found, "x-amz-server-side-encryption", _ENCRYPTIONS, "InvalidEncryptionAlgorithmError")
    size = sum(
        len(name) - len("x-amz-meta-") + len(value)
        for name, value in found.items()
        if name.startswith("x-amz-meta-")
    )
    if size > 2048:
        raise S3Error(400, "MetadataTooLarge", "Your metadata headers exceed the maximum size")
    foreign = [name for name in request.header_values if name.startswith("x-amz-copy-source")]
    if foreign and not copy:
        raise not_implemented(foreign[0])
    return found


def _one_of(found: dict[str, str], name: str, known: frozenset[str], code: str) -> None:
    if name in found and found[name] not in known:
        raise S3Error(400, code, f"{name}: {found[name]!r} is not known")


def is_opaque(headers: dict[str, str], key: str | None) -> bool:
    """The ETag of an object encrypted by KMS or by the customer's key is not an MD5."""
    return key is not None or headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")


def customer_key(request: Incoming, prefix: str = "x-amz-") -> str | None:
    """The MD5 of the SSE-C key in ``request``, base64; ``None`` without one.

    :param prefix: of the three headers: that of the object itself, or of the source of a copy.
    :raises S3Error: the three headers do not belong together.
    """
    common = prefix + _CUSTOMER
    values = [request.header(common + name) for name in ("algorithm", "key", "key-md5")]
    if values == [None, None, None]:
        return None
    algorithm, key, md5 = values
    if algorithm != "AES256" or key is None or md5 is None:
        raise invalid_argument("SSE-C needs algorithm AES256, a key and the key's MD5")
    raw = base64.b64decode(key)
    if len(raw) != 32:
        raise invalid_argument("The secret key was invalid for the specified algorithm.")
    if base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode() != md5:
        raise invalid_argument("The calculated MD5 hash of the key did not match.")
    return md5


def check_customer_key(request: Incoming, expected: str | None, prefix: str = "x-amz-") -> None:
    """A stored thing can be touched only with the key it was stored with."""
    given = customer_key(request, prefix)
    if given == expected:
        return
    if expected is None:
        raise invalid_request("The encryption parameters are not applicable to this object.")
    if given is None:
        raise invalid_request(
            "The object was stored using a form of Server Side Encryption. The correct parameters "
            "must be provided."
        )
    raise S3Error(403, "AccessDenied", "The SSE-C key is not the one of the upload")


def check_write_conditions(call: Call, existing: StoredObject | None) -> None:
    """``If-None-Match: *`` and ``If-Match`` on PUT and Complete.

    :raises S3Error: 412, and 404 for ``If-Match`` on what does not exist.
    """
    none_match = call.request.header("if-none-match")
    match = call.request.header("if-match")
    if none_match is None and match is None:
        return
    if not call.options.conditional_writes:
        raise not_implemented("If-Match or If-None-Match")
    if none_match is not None and none_match != "*":
        raise not_implemented("If-None-Match takes * only")
    if none_match == "*" and existing is not None:
        raise _failed("If-None-Match")
    if match is not None:
        if existing is None:
            raise S3Error(404, "NoSuchKey", "The specified key does not exist.")
        if match.strip('"') != existing.etag:
            raise _failed("If-Match")


def _failed(condition: str) -> S3Error:
    return S3Error(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        extra={"Condition": condition},
    )
