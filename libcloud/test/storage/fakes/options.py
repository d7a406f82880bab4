# SPDX-License-Identifier: Apache-2.0
"""What a fake S3 server insists on and how it answers, as data; and the profiles tests use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

MIB = 1024 * 1024
GIB = 1024 * MIB


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class Issued:
    """What belongs to a temporary key.

    :param expires: when it is not accepted any more, aware.
    """

    secret: str
    token: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Options:
    """How one fake server behaves. The defaults are those of Amazon S3 in us-east-1.

    :param key: the only access key id it knows.
    :param session_token: the token every request must carry; ``None`` refuses any token.
    :param issued: further keys, which expire, by their ids; may grow while the server runs.
    :param anonymous: requests that are not signed are accepted.
    :param region: the region of the credential scope; ``None`` accepts any.
    :param signature_versions: accepted versions, out of ``"2"`` and ``"4"``.
    :param unsigned_payload: accept ``UNSIGNED-PAYLOAD`` over plain http as well.
    :param clock: the time of the server, aware.
    :param max_skew: seconds a request's date may differ from the clock.
    :param namespace: answers carry the S3 XML namespace.
    :param optional_elements: answers have Owner, Initiator, StorageClass and a false IsTruncated.
    :param url_encoded_listing: ``encoding-type=url`` is honoured; it is ignored otherwise.
    :param list_v2: ``list-type=2`` is understood; 501 otherwise.
    :param min_part_size: smallest part but the last, bytes; checked by Complete.
    :param max_put_size: largest object sent by one PUT, bytes.
    :param equal_parts: all parts but the last have one size, and the last is not larger.
    :param page_size: most entries of any listing page.
    :param checksums: accepted ``x-amz-checksum-*`` algorithms; others are answered by 501.
    :param own_checksum: objects that came without a checksum have a CRC-64/NVME, as Amazon's; only
        where awscrt is installed, for in Python it would take too long.
    :param conditional_writes: ``If-Match`` and ``If-None-Match`` on writes hold; 501 otherwise.
    :param md5_etags: the ETag of an object is its MD5; an opaque text otherwise.
    :param keep_bodies: store what is uploaded; without, only sizes are kept, for long runs.
    :param copy_parts: UploadPartCopy is understood; 501 otherwise.
    :param bulk_delete: DeleteObjects is understood; 501 otherwise.
    :param versions: versions of objects are understood; otherwise ``versionId`` is ignored.
    :param version_reads_denied: the user may read objects, but no version by its id.
    :param locked_buckets: buckets with object lock.
    :param undeletable: keys that nobody may delete.
    :param foreign_buckets: names that belong to somebody else: 403, and 409 on creation.
    :param close_connections: close the connection after every answer.
    :param tls: speak https, with a certificate made on the spot.
    :param names: further names of the server, and the region that it is under each; a bucket may
        stand before one of them.
    :param homes: regions of buckets: under a name of another region it is 301.
    :param vendor: what the store's own headers begin with: ``"x-amz-"``, or Google's ``"x-goog-"``,
        whose rules are in :mod:`.google`.
    :param bearer: an access token that is accepted in place of a signature.
    :param any_host: the Host header may name another server, as behind a proxy; it is signed all
        the same.
    """

    key: str = "AKIAFAKEFAKEFAKEFAKE"
    secret: str = "fake/secret+key"
    session_token: str | None = None
    issued: Mapping[str, Issued] = field(default_factory=dict)
    anonymous: bool = False
    region: str | None = "us-east-1"
    signature_versions: tuple[str, ...] = ("4",)
    unsigned_payload: bool = False
    clock: Callable[[], datetime] = _utc_now
    max_skew: int = 15 * 60
    namespace: bool = True
    optional_elements: bool = True
    url_encoded_listing: bool = True
    list_v2: bool = True
    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    max_put_size: int = 5 * GIB
    max_object_size: int = 10_000 * 5 * GIB
    equal_parts: bool = False
    page_size: int = 1000
    checksums: tuple[str, ...] = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
    own_checksum: bool = True
    conditional_writes: bool = True
    md5_etags: bool = True
    keep_bodies: bool = True
    copy_parts: bool = True
    bulk_delete: bool = True
    versions: bool = True
    version_reads_denied: bool = False
    locked_buckets: frozenset[str] = frozenset()
    undeletable: frozenset[str] = frozenset()
    foreign_buckets: frozenset[str] = frozenset()
    close_connections: bool = False
    tls: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    any_host: bool = False
    vendor: str = "x-amz-"
    bearer: str | None = None

    @property
    def re_creation_conflicts(self) -> bool:
        """Creating a bucket one owns is 409 everywhere but in us-east-1.

        Reference: Amazon S3 API, CreateBucket, "BucketAlreadyOwnedByYou".
        """
        return self.region != "us-east-1"


AMAZON = Options()
NO_NAMESPACE = Options(
    namespace=False,
    optional_elements=False,
    url_encoded_listing=False,
    list_v2=False,
    checksums=(),
    conditional_writes=False,
    region=None,
)
EQUAL_PARTS = Options(region="auto", equal_parts=True, checksums=("crc32",))
SIGV2 = Options(signature_versions=("2",), region=None, checksums=(), conditional_writes=False)
GOOGLE = Options(
    signature_versions=("2",),
    region=None,
    checksums=(),
    bulk_delete=False,
    copy_parts=False,
    vendor="x-goog-",
    bearer="ya29.token",
)
SMALL_LIMITS = replace(
    AMAZON,
    min_part_size=16,
    max_part_size=1024,
    max_parts=5,
    max_put_size=1024,
    max_object_size=5 * 1024,
)

PROFILES = {
    "amazon": AMAZON,
    "no_namespace": NO_NAMESPACE,
    "equal_parts": EQUAL_PARTS,
    "google": GOOGLE,
    "sigv2": SIGV2,
    "small_limits": SMALL_LIMITS,
}
