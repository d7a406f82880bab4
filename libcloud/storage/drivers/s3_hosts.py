# SPDX-License-Identifier: Apache-2.0
"""From the arguments of a driver to its store's profile, its region and its host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.storage.s3.profile import (
    AMAZON,
    GENERIC,
    S3Profile,
    profile_named,
    profile_of_host,
)

__all__ = ["choose_host", "choose_profile", "region_by_default"]


def choose_profile(
    own: S3Profile,
    *,
    host: str | None,
    given: S3Profile | None = None,
    named: str | None = None,
) -> S3Profile:
    """The profile of a driver.

    :param own: that of its class.
    :param host: where requests go; ``None``: to a host of the profile.
    :param given: asked for; goes first.
    :param named: asked for by its name.
    :raises ValueError: nobody has that name, or both are given.
    """
    if given is not None and named is not None:
        raise ValueError("ex_profile says what ex_s3_profile says: pass one of them")
    if given is not None:
        return given
    if named is not None:
        return profile_named(named)
    # A class for another store than Amazon knows its own.
    if host is None or own is not AMAZON:
        return own
    return profile_of_host(host) or GENERIC


def region_by_default(profile: S3Profile, host: str | None, default: str) -> str:
    """The region where nobody names one: by the host, by the profile, or ``default``."""
    found = profile.region_of(host) if host else None
    if found is not None:
        return found
    # What most profiles have says nothing of the store: its servers take any region.
    return default if profile.default_region in ("", "us-east-1") else profile.default_region


def choose_host(
    profile: S3Profile, host: str | None, region: str, options: Mapping[str, Any]
) -> str:
    """The host to ask: ``host``, or that of the region.

    :param options: keywords of the driver: ``ex_use_dualstack`` and ``ex_use_fips`` are looked at.
    :raises ValueError: the store has no such region, or no host of that kind for it; or ``host`` is
        given with a wish for another.
    """
    variant = {name: bool(options.get(f"ex_use_{name}")) for name in ("dualstack", "fips")}
    asked = " and ".join(f"ex_use_{name}" for name, wanted in variant.items() if wanted)
    if host is not None:
        if asked:
            raise ValueError(f"{asked} chooses among the hosts of Amazon: give no host as well")
        return host
    # The names with a hyphen are Apache Libcloud's; buckets stand before the others.
    dotted = options.get("ex_addressing_style", "path") != "path"
    found = profile.host(region, **variant, dotted=dotted)
    if found is not None:
        return found
    if not (profile.hosts or profile.host_pattern):
        raise ValueError(f"{profile.name} can be anywhere: say where by endpoint_url")
    if asked and profile.host(region) is not None:
        raise ValueError(f"{profile.name} has no host for {asked} in the region {region}")
    raise ValueError(f"Invalid or unsupported region: {region}")
