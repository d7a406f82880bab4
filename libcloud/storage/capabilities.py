# SPDX-License-Identifier: Apache-2.0
"""The features and limits of a store, as data.

The engine, the conformance suite and the feature table read the same values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from libcloud.utils.values import Value

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Limits(Value):
    """The size limits of objects and parts, in bytes.

    Defaults are Amazon's. Reference: Amazon S3 User Guide, "Amazon S3 multipart upload limits".

    :param min_part_size: smallest part; the last one may be smaller.
    :param max_object_size: largest object; never more than ``max_parts * max_part_size`` in effect.
    :param max_put_size: largest object that can be sent by one PUT.
    :param equal_parts: all parts but the last must have the same size.
    """

    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    max_object_size: int = 10_000 * 5 * GIB
    max_put_size: int = 5 * GIB
    equal_parts: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Capabilities(Value):
    """The features that a driver supports.

    :param multipart: a stream of unknown length is uploaded in parts, in bounded memory.
    :param chunked_encoding: an upload without a Content-Length is accepted.
    :param limits: sizes, bytes.
    :param any_object_name: every non-empty text of up to 1,024 bytes is a distinct name, including
        ``a//b``, ``../x`` and names with control characters.
    :param nested_names: ``x`` and ``x/child`` can both exist.
    :param metadata: user metadata is kept; its keys are returned in lower case.
    :param content_type: the content type is kept.
    :param etag_is_md5: the hash of an object sent by one PUT is its MD5, in hexadecimal.
    :param prefix_listing: the store itself filters a listing by prefix.
    :param range_reads: a range of an object can be read.
    :param conditional_writes: ``If-None-Match`` and ``If-Match`` are honored for writes.
    :param list_uploads: unfinished uploads can be listed and aborted.
    :param presigned_urls: ``get_object_cdn_url`` returns a presigned URL.
    :param checksums: names of the checksums that the store verifies, cheapest first.
    :param url_encoded_listing: listings can be requested with percent-encoded names.
    :param versions: versions of objects can be listed, read and deleted.
    :param tags: tags of objects can be read and set.
    :param object_lock: legal holds and retention of objects can be read and set.
    :param lifecycle: the age at which the store aborts unfinished uploads can be set.
    """

    multipart: bool = False
    chunked_encoding: bool = False
    limits: Limits = field(default_factory=Limits)
    any_object_name: bool = False
    nested_names: bool = True
    metadata: bool = False
    content_type: bool = False
    etag_is_md5: bool = False
    prefix_listing: bool = False
    range_reads: bool = True
    conditional_writes: bool = False
    list_uploads: bool = False
    presigned_urls: bool = False
    checksums: tuple[str, ...] = ()
    url_encoded_listing: bool = False
    versions: bool = False
    tags: bool = False
    object_lock: bool = False
    lifecycle: bool = False
