# SPDX-License-Identifier: Apache-2.0
"""The fields of a profile, and the capabilities that follow from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from libcloud.storage.capabilities import TIB, Capabilities, Limits
from libcloud.utils.values import Value

# Amazon's limits except for the object, which is 5 TiB nearly everywhere, as it was at Amazon
# until December 2025.
_LIMITS = Limits(max_object_size=5 * TIB)


# What may become part of a host name. The region of a bucket comes from a response.
_REGION = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class S3Profile(Value):
    """One store, or one kind of server. The defaults suit an unknown server.

    :param name: for messages.
    :param hosts: host by region, for the regions that have a host of their own.
    :param host_pattern: host of any other region, with ``{region}`` in it; ``None``: there is none.
    :param host_patterns: the same, for regions whose whole name matches a regular expression: that,
        the host, and which variants of it there are: ``"dualstack"``, ``"fips"``.
    :param more_hosts: further hosts that serve what the store has, in any region.
    :param domains: hosts of the store end with one of these; each begins with a dot unless it is a
        host itself. Regular expressions, for services that number theirs.
    :param default_region: used if the user names none; empty if signatures name no region.
    :param signature_versions: ``"2"`` and ``"4"``; the one to use by default comes first.
    :param path_style: where the style of addresses is chosen automatically, the bucket is in
        the path; otherwise in the name of the host, where it can.
    :param location_constraint: CreateBucket names the region in its body.
    :param list_version: of ListObjects: 1 or 2.
    :param url_encoded_listing: listings can be requested with percent-encoded names.
    :param limits: sizes, bytes.
    :param supports_multipart: uploads in parts are possible.
    :param supports_copy_part: a part can be copied from an object.
    :param copies_any_size: one CopyObject copies objects larger than one PUT, too.
    :param bulk_delete: DeleteObjects is tried; a store that refuses it is not asked again. s5cmd
        uses it with every store but Google's.
    :param list_uploads: unfinished uploads can be listed.
    :param etag_is_md5: an ETag of 32 hexadecimal digits, of an object sent by one PUT without
        encryption by a customer's or KMS key, is the MD5 of the object.
    :param etag_was_seen: that was seen of the store itself. Otherwise only ``verify_hash`` goes by
        it, as in Apache Libcloud, and no stream does.
    :param multipart_etag: the ETag of an object made of parts is, in HEAD too, the MD5 of the
        parts' MD5s, a hyphen and the number of parts.
    :param checksums: algorithms whose ``x-amz-checksum-`` header the store verifies, the cheapest
        first.
    :param default_checksum: the one to send over https by default; ``None``: none.
    :param full_object_checksum: a CRC of the whole object can be given at Complete.
    :param object_size_check: Complete verifies ``x-amz-mp-object-size``.
    :param checks_payload: the store compares the body with the SHA-256 that Signature Version 4
        carries; a ``Content-MD5`` is sent to those that do not.
    :param unsigned_payload: over https the body need not be part of the signature.
    :param trailing_checksums: over https the checksum of a part may follow its data.
    :param conditional_writes: ``If-None-Match`` and ``If-Match`` hold on PUT and on Complete.
    :param multipart_conditions: an upload in parts can have the preconditions that a PUT can have.
    :param any_object_name: see :class:`~libcloud.storage.capabilities.Capabilities`.
    :param nested_names: likewise.
    :param metadata: likewise.
    :param versions: the store may keep versions of objects; requests about them are sent. Likewise
        ``tags``, ``object_lock`` and ``lifecycle``, see
        :class:`~libcloud.storage.capabilities.Capabilities`.
    :param key_variables: variables in which the store's own tools look for key, secret and session
        token; these take precedence over those of Amazon.
    """

    name: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    host_pattern: str | None = None
    host_patterns: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    more_hosts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    default_region: str = "us-east-1"
    signature_versions: tuple[str, ...] = ("4",)
    path_style: bool = True
    location_constraint: bool = False
    list_version: int = 1
    url_encoded_listing: bool = False
    limits: Limits = field(default=_LIMITS)
    supports_multipart: bool = True
    supports_copy_part: bool = False
    copies_any_size: bool = False
    bulk_delete: bool = True
    list_uploads: bool = True
    etag_is_md5: bool = False
    etag_was_seen: bool = True
    multipart_etag: bool = False
    checksums: tuple[str, ...] = ()
    default_checksum: str | None = None
    full_object_checksum: bool = False
    object_size_check: bool = False
    checks_payload: bool = True
    unsigned_payload: bool = False
    trailing_checksums: bool = False
    conditional_writes: bool = False
    multipart_conditions: bool = True
    any_object_name: bool = False
    nested_names: bool = True
    metadata: bool = True
    versions: bool = True
    tags: bool = True
    object_lock: bool = True
    lifecycle: bool = True
    key_variables: tuple[tuple[str, str, str], ...] = ()

    def __deepcopy__(self, memo: object) -> S3Profile:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        # By value: a read-only view of a mapping cannot be pickled.
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return _profile, ({**values, "hosts": dict(self.hosts)},)

    def host(
        self, region: str, *, dualstack: bool = False, fips: bool = False, dotted: bool = False
    ) -> str | None:
        """The host that serves ``region``; ``None`` if the store has none of that name.

        :param dotted: the name that is made of the pattern, where ``hosts`` has an older one.
        """
        if not dualstack and not fips:
            pattern = self._pattern(region)
            if not (dotted and pattern and region != self.default_region):
                pattern = self.hosts.get(region) or pattern
            return pattern.format(region=region) if pattern else None
        wanted = {name for name, asked in (("dualstack", dualstack), ("fips", fips)) if asked}
        found = next((of for of in self.host_patterns if re.fullmatch(of[0], region)), None)
        if found is None or not wanted <= set(found[2]):
            return None
        # Amazon S3 User Guide, "Using Amazon S3 dual-stack endpoints"; AWS General Reference,
        # "Amazon S3 endpoints and quotas", has the names of both.
        first = f"s3{'-fips' if fips else ''}{'.dualstack' if dualstack else ''}."
        return first + found[1].format(region=region).removeprefix("s3.")

    def serves(self, host: str) -> bool:
        """Whether ``host`` is a host of a region; private endpoints and load balancers are not."""
        return host in self.more_hosts or self.region_of(host) is not None

    def region_of(self, host: str) -> str | None:
        """The region that ``host`` serves; ``None`` if that is unknown.

        >>> S3Profile("Example", host_pattern="s3.{region}.example").region_of("s3.eu.example")
        'eu'
        """
        known = [region for region, name in self.hosts.items() if name == host]
        if known:
            return known[0]
        for pattern in (*(pattern for _, pattern, _ in self.host_patterns), self.host_pattern):
            if pattern:
                before, _, after = pattern.partition("{region}")
                region = host[len(before) : len(host) - len(after)]
                if pattern.format(region=region) == host and self._pattern(region) == pattern:
                    return region
        return None

    def owns(self, host: str) -> bool:
        """Whether ``host`` is in a domain of the store."""
        for domain in self.domains:
            last = domain.rpartition(".")[2]
            # Compiling all expressions takes a tenth of the time until the first request.
            if (host.endswith(last) or not last.isalpha()) and re.search(
                f"(?:{domain})\\Z", f".{host}"
            ):
                return True
        return False

    def _pattern(self, region: str) -> str | None:
        """The pattern of the hosts of ``region``, which may be an invalid name."""
        if not re.fullmatch(_REGION, region):
            return None
        for regions, pattern, _ in self.host_patterns:
            if re.fullmatch(regions, region):
                return pattern
        return self.host_pattern

    def location(self, region: str) -> str | None:
        """The location constraint of CreateBucket for ``region``; ``None``: none."""
        # us-east-1 is the one region that must not be named: Amazon S3 API Reference,
        # "CreateBucket", LocationConstraint.
        if not self.location_constraint or not region or region == "us-east-1":
            return None
        return region


def _profile(values: dict[str, Any]) -> S3Profile:
    return S3Profile(**{**values, "hosts": MappingProxyType(values["hosts"])})


_SAME = {item.name for item in fields(Capabilities)} & {item.name for item in fields(S3Profile)}


def capabilities(
    profile: S3Profile,
    *,
    multipart: bool = True,
    chunked_encoding: bool = False,
    presigned_urls: bool | None = None,
) -> Capabilities:
    """The capabilities of a driver with ``profile``; the other arguments are its own flags."""
    in_parts = multipart and profile.supports_multipart
    if presigned_urls is None:
        presigned_urls = "4" in profile.signature_versions
    found = Capabilities(
        multipart=in_parts,
        chunked_encoding=chunked_encoding,
        content_type=True,
        prefix_listing=True,
        range_reads=True,
        presigned_urls=presigned_urls,
        **{name: getattr(profile, name) for name in _SAME},
    )
    return found if in_parts else replace(found, list_uploads=False)
