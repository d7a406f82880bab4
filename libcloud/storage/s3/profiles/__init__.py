# SPDX-License-Identifier: Apache-2.0
"""The differences between stores that speak S3, as data; and a store's profile by name or host.

``profile`` defines what a profile contains; ``services`` and ``servers`` have one for each store,
with the hosts of its regions. Each value that is not Amazon's has its source next to it;
where a store is not known to have a feature, the cautious value is used. No I/O; the tests are
``libcloud/test/storage/s3/test_profiles.py``.
"""

# ruff: noqa: F403  (all profiles)

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from libcloud.storage.s3.profiles import servers, services
from libcloud.storage.s3.profiles.profile import S3Profile as S3Profile
from libcloud.storage.s3.profiles.profile import capabilities as capabilities
from libcloud.storage.s3.profiles.servers import *
from libcloud.storage.s3.profiles.services import *

_RENAMED = {"AURORA": "auroraobjects", "DO_SPACES": "digitalocean", "RGW": "ceph"}

PROFILES: Mapping[str, S3Profile] = dict(
    sorted(
        (_RENAMED.get(name, name.lower()), found)
        for name, found in {**vars(servers), **vars(services)}.items()
        if isinstance(found, S3Profile)
    )
)
"""All profiles, by the names that ``ex_s3_profile`` takes."""


def profile_named(name: str) -> S3Profile:
    """The profile of that name; case does not matter.

    :raises ValueError: there is no such profile.

    >>> profile_named("R2").name
    'Cloudflare R2'
    """
    found = PROFILES.get(name.lower())
    if found is None:
        raise ValueError(f"There is no S3 profile {name!r}; there are {', '.join(PROFILES)}")
    return found


@lru_cache(maxsize=64)  # a fifth of the time that it takes to create a driver
def profile_of_host(host: str) -> S3Profile | None:
    """The profile of the store that ``host`` belongs to; ``None`` if that is unknown.

    >>> profile_of_host("1f0a.r2.cloudflarestorage.com").name
    'Cloudflare R2'
    >>> profile_of_host("127.0.0.1") is None
    True
    """
    host = host.lower().rstrip(".")
    return next((profile for profile in PROFILES.values() if profile.owns(host)), None)
