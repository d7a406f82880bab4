# SPDX-License-Identifier: Apache-2.0
"""Limits and capabilities of Azure Blob Storage, and the hosts of its clouds."""

from __future__ import annotations

from libcloud.storage.capabilities import MIB, Capabilities, Limits

LIMITS = Limits(
    min_part_size=1,
    max_part_size=4000 * MIB,
    max_parts=50_000,
    max_object_size=50_000 * 4000 * MIB,
    max_put_size=5000 * MIB,
)
"""Reference: Azure Storage REST API, "Put Block", "Put Blob": limits from version 2019-12-12."""

CAPABILITIES = Capabilities(
    multipart=True,
    limits=LIMITS,
    # ``a/../b`` and ``a/./b`` are other names of the same blob: REST API, "Naming and Referencing
    # Containers, Blobs, and Metadata".
    any_object_name=False,
    metadata=True,
    content_type=True,
    prefix_listing=True,
    conditional_writes=True,
    presigned_urls=True,
    checksums=("md5",),
)

TIERS = ("Hot", "Cool", "Cold", "Archive")
"""Reference: Azure Storage REST API, "Set Blob Tier"."""


def tier(name: str) -> str:
    """The access tier of that name, in any case."""
    found = next((tier for tier in TIERS if tier.lower() == str(name).lower()), None)
    if found is None:
        raise ValueError(f"the access tier is one of {', '.join(TIERS)}, not {name!r}")
    return found


HOST_SUFFIXES = (
    "privatelink.blob.core.windows.net",
    "blob.core.windows.net",
    "blob.core.chinacloudapi.cn",
    "blob.core.usgovcloudapi.net",
)
"""Hosts that begin with the name of an account."""


def account_host(account: str, host: str | None) -> tuple[str, str | None]:
    """The host, and the account if it has to be the first segment of paths.

    :param host: one of :data:`HOST_SUFFIXES`, with or without the account; any other host, such as
        that of Azurite; ``None``: the public cloud.

    >>> account_host("acme", "blob.core.usgovcloudapi.net")
    ('acme.blob.core.usgovcloudapi.net', None)
    >>> account_host("acme", "localhost")
    ('localhost', 'acme')
    """
    host = host or "blob.core.windows.net"
    if host in HOST_SUFFIXES:
        return f"{account}.{host}", None
    named = any(host.endswith(f".{suffix}") for suffix in HOST_SUFFIXES)
    return host, None if named else account
