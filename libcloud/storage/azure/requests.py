# SPDX-License-Identifier: Apache-2.0
"""The requests of Azure Blob Storage, as values.

Paths begin with the container: the connection puts the account before it where a service wants
that. Reference: Azure Storage REST API, "Operations on containers" and "Operations on blobs".
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from libcloud.common.request import HttpRequest
from libcloud.storage import metadata
from libcloud.storage.azure.checksums import md5_digest
from libcloud.storage.azure.profiles import tier
from libcloud.storage.transfer.values import Body
from libcloud.utils.headers import strip_etag

METADATA = "x-ms-meta-"
"""Prefix of the headers with user metadata."""

_CONTAINER = ("restype", "container")

# Properties of a blob: as headers of an upload they have different names. REST API, "Put Blob".
_PROPERTIES = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
    }
)

MAX_NAME_LENGTH = 1024

_CONTENT_DIGITS = 16  # of the digest of a block, in its id


def check_container_name(name: str) -> None:
    """:raises ValueError: a path with this name would be that of something else."""
    if not name or "/" in name or name in (".", ".."):
        raise ValueError(f"invalid container name: {name!r}")
    _check_unicode("a container", name)


def check_object_name(name: str) -> None:
    """Refuse a name that would reach another blob.

    Reference: "Naming and Referencing Containers, Blobs, and Metadata", and for backslashes
    https://github.com/versity/versitygw/issues/845.
    """
    if not name:
        raise ValueError("the name of a blob must not be empty")
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"the name of a blob has up to {MAX_NAME_LENGTH} characters")
    if any(segment in (".", "..") for segment in name.replace("\\", "/").split("/")):
        raise ValueError(f"{name!r}: Azure resolves the segments . and .. of a name")
    if "\\" in name and os.sep != "\\":  # on Windows it is a slash for the user, too
        raise ValueError(f"{name!r}: Azure takes a backslash in a name for a slash")
    _check_unicode("a blob", name)


def _check_unicode(what: str, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the name of {what} must be valid Unicode") from error


def container_path(name: str) -> str:
    return f"/{quote(name, safe='~')}"


def object_path(container: str, name: str) -> str:
    return f"{container_path(container)}/{quote(name, safe='/~')}"


def list_containers(*, marker: str | None, limit: int) -> HttpRequest:
    params = [("comp", "list"), ("maxresults", str(limit)), ("include", "metadata")]
    return HttpRequest("GET", "/", (*params, *_optional(marker=marker)))


def create_container(path: str) -> HttpRequest:
    return HttpRequest("PUT", path, (_CONTAINER,))


def head(path: str) -> HttpRequest:
    """Properties of a blob as it is stored, or of a container."""
    if path.count("/") == 1:
        return HttpRequest("HEAD", path, (_CONTAINER,))
    return HttpRequest("HEAD", path, headers={"Accept-Encoding": "identity"})


def delete(path: str, headers: Mapping[str, str] | None = None) -> HttpRequest:
    """Delete a blob, or a container with all that is in it."""
    params = (_CONTAINER,) if path.count("/") == 1 else ()
    return HttpRequest("DELETE", path, params, headers or {})


def list_blobs(
    path: str, *, prefix: str | None, marker: str | None, delimiter: str | None = None, limit: int
) -> HttpRequest:
    params = (_CONTAINER, ("comp", "list"), ("maxresults", str(limit)), ("include", "metadata"))
    more = _optional(prefix=prefix, delimiter=delimiter, marker=marker)
    return HttpRequest("GET", path, (*params, *more))


def get_blob(path: str) -> HttpRequest:
    return HttpRequest("GET", path)


def put_blob(path: str, headers: Mapping[str, str], body: Body) -> HttpRequest:
    """Store a block blob by one request."""
    return HttpRequest("PUT", path, (), {"x-ms-blob-type": "BlockBlob", **headers}, body)


def block_id(upload_id: str, number: int, digest: bytes = b"") -> str:
    """The id of a block.

    All ids of a blob have the same length, also those of blocks that an interrupted upload, of
    whatever kind, has left: the service refuses others. Reference: REST API, "Put Block".

    :param upload_id: keeps blocks of uploads to the same blob apart.
    :param digest: keeps blocks of one number apart that several processes may have sent.

    >>> block_id("0123456789abcdef", 1)
    'MDEyMzQ1Njc4OWFiY2RlZi0wMDAwMS0wMDAwMDAwMDAwMDAwMDAw'
    """
    content = digest.hex()[:_CONTENT_DIGITS].ljust(_CONTENT_DIGITS, "0")
    return b64encode(f"{upload_id}-{number:05}-{content}".encode()).decode()


def block_number(upload_id: str, block: str) -> int | None:
    """The number of a block of an upload; ``None`` for a block of another one.

    >>> block_number("0123456789abcdef", block_id("0123456789abcdef", 12))
    12
    """
    start = f"{upload_id}-".encode()
    try:
        found = b64decode(block)
    except ValueError:
        return None
    number = found[len(start) :].partition(b"-")[0]
    return int(number) if found.startswith(start) and number.isdigit() else None


def put_block(path: str, block: str, headers: Mapping[str, str], body: Body) -> HttpRequest:
    """Store a block, which is not part of the blob yet."""
    return HttpRequest("PUT", path, (("comp", "block"), ("blockid", block)), headers, body)


def put_block_list(path: str, blocks: Iterable[str], headers: Mapping[str, str]) -> HttpRequest:
    """Publish the blob that consists of ``blocks``, which were stored before, in order."""
    items = "".join(f"<Uncommitted>{block}</Uncommitted>" for block in blocks)
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{items}</BlockList>'.encode()
    own = {"Content-Type": "application/xml", **md5_digest(body).headers}
    return HttpRequest("PUT", path, (("comp", "blocklist"),), {**own, **headers}, body)


def get_block_list(path: str, kind: str) -> HttpRequest:
    """The blocks of a blob: ``"committed"``, ``"uncommitted"`` or ``"all"``."""
    return HttpRequest("GET", path, (("comp", "blocklist"), ("blocklisttype", kind)))


def set_component(path: str, component: str, headers: Mapping[str, str]) -> HttpRequest:
    """Replace the ``"metadata"`` of a blob, or its ``"tier"``."""
    return HttpRequest("PUT", path, (("comp", component),), headers)


def lease(path: str, action: str, headers: Mapping[str, str]) -> HttpRequest:
    """Acquire, renew or release a lease."""
    return HttpRequest("PUT", path, (("comp", "lease"),), {"x-ms-lease-action": action, **headers})


def copy_blob(path: str, source: str, headers: Mapping[str, str]) -> HttpRequest:
    """Copy the blob at the URL ``source``, perhaps after the response."""
    return HttpRequest("PUT", path, (), {"x-ms-copy-source": source, **headers})


def abort_copy(path: str, copy_id: str) -> HttpRequest:
    """Stop a copy that is pending; what there is of it becomes an empty blob."""
    params = (("comp", "copy"), ("copyid", copy_id))
    return HttpRequest("PUT", path, params, {"x-ms-copy-action": "abort"})


def property_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """``headers`` of an upload with the names that properties of a blob have there.

    >>> property_headers({"Content-Encoding": "gzip", "x-foo": "bar"})
    {'x-ms-blob-content-encoding': 'gzip', 'x-foo': 'bar'}
    """
    return {
        f"x-ms-blob-{name.lower()}" if name.lower() in _PROPERTIES else name: value
        for name, value in headers.items()
    }


def metadata_headers(meta_data: Mapping[str, object] | None) -> dict[str, str]:
    keys = {key.lower(): value for key, value in (meta_data or {}).items()}
    return metadata.metadata_headers(keys, METADATA)


def condition_headers(if_match: str | None, if_none_match: str | None) -> dict[str, str]:
    """The headers for ``ex_if_match`` and ``ex_if_none_match``."""
    headers = {}
    if if_match is not None:
        headers["If-Match"] = if_match if if_match == "*" else f'"{strip_etag(if_match)}"'
    if if_none_match is not None:
        if if_none_match != "*":
            raise ValueError(f"ex_if_none_match is '*', not {if_none_match!r}")
        headers["If-None-Match"] = "*"
    return headers


def tier_headers(name: str | None) -> dict[str, str]:
    """The header that names an access tier; none without a name."""
    return {"x-ms-access-tier": tier(name)} if name else {}


def _optional(**params: str | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in params.items() if value]
