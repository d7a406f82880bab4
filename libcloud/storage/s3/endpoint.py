# SPDX-License-Identifier: Apache-2.0
"""Endpoints: which host a request goes to, and whether the bucket is in its path or its host name.

Drivers build paths as ``/bucket/key``. :class:`Addressing` resolves each of them to a host and the
path to send, by addressing style and by the region of the bucket.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from libcloud.storage.s3.profiles import AMAZON, GENERIC, S3Profile, profile_named, profile_of_host
from libcloud.utils.headers import authority

_log = logging.getLogger(__name__)

STYLES = ("auto", "path", "virtual")
"""Addressing styles of buckets.

``path``: the bucket is the first part of the path. ``virtual``: it is the first label of the host
name, if its own name allows that. ``auto``: ``virtual`` for Amazon and for stores that require it,
``path`` for all others.
"""

_PORTS = {"https": 443, "http": 80}

_NOT_A_URL = "the endpoint is not a valid URL: write http://HOST:PORT or https://HOST"

# One label of a host name that is also allowed in a bucket name: Amazon S3 User Guide, "General
# purpose bucket naming rules".
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_BUCKET = _LABEL
_DOTTED_BUCKET = rf"{_LABEL}(?:\.{_LABEL})*"

# A region comes from a response of the server, becomes part of log messages and is signed.
_REGION = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"


class Endpoint(NamedTuple):
    """The base URL of a store.

    :param host: name or address; an IPv6 address with or without brackets.
    :param port: ``None``: the default port of the scheme.
    :param path: prefix of all paths, without a trailing slash; usually empty.
    """

    host: str
    secure: bool = True
    port: int | None = None
    path: str = ""

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def authority(self) -> str:
        """The value of the Host header: with the port unless it is the default of the scheme."""
        return authority(self.host, self.port, scheme=self.scheme)


def parse_endpoint(url: str) -> Endpoint:
    """Parse the URL of an endpoint; the port of the result is always a number.

    A path is kept: requests are sent to ``URL/bucket/key`` and signed like that, for stores behind
    a gateway that does not rewrite paths.

    :raises ValueError: this is not an http or https URL, or it contains credentials, a query or a
        fragment. The message does not quote it, because it may contain a secret.

    >>> parse_endpoint("http://localhost:9000")
    Endpoint(host='localhost', secure=False, port=9000, path='')
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError(_NOT_A_URL) from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ValueError(_NOT_A_URL)
    if "@" in parts.netloc:
        raise ValueError("an endpoint must not contain credentials: pass key and secret separately")
    if parts.query or parts.fragment:
        raise ValueError("an endpoint has no query and no fragment: write https://HOST/PATH")
    return Endpoint(
        parts.hostname,
        parts.scheme == "https",
        port or _PORTS[parts.scheme],
        parts.path.rstrip("/"),
    )


def can_be_in_host(bucket: str, *, secure: bool) -> bool:
    """Return whether a bucket name can be the first part of a host name.

    With https it must not contain dots, because a certificate for ``*.host`` covers one label only.

    >>> can_be_in_host("photos.2026", secure=False), can_be_in_host("photos.2026", secure=True)
    (True, False)
    """
    pattern = _BUCKET if secure else _DOTTED_BUCKET
    if not 3 <= len(bucket) <= 63 or not re.fullmatch(pattern, bucket):
        return False
    return "." not in bucket or not is_address(bucket)


def is_address(host: str) -> bool:
    """Return whether ``host`` is an IP address rather than a name."""
    import ipaddress  # most processes need it never

    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


class Address(NamedTuple):
    """The destination of one request.

    :param host: includes the bucket if ``in_host``.
    :param action: path and query to send to that host.
    :param bucket: as in a path, percent-encoded; empty for requests without a bucket.
    :param region: the region to sign for; ``None``: the driver's.
    :param in_host: the bucket is part of ``host``, not of ``action``.
    """

    host: str
    action: str
    bucket: str
    region: str | None = None
    in_host: bool = False

    @property
    def resource(self) -> str:
        """Path and query including the bucket, whatever the addressing style."""
        return f"/{self.bucket}{self.action}" if self.in_host else self.action


class Addressing:
    """Resolves the requests of one driver to hosts; thread-safe.

    :param style: one of :data:`STYLES`.
    :param dualstack: use the dual-stack hosts of other regions; likewise ``fips``.
    :raises ValueError: unknown style, or ``virtual`` with an IP address as host.
    """

    def __init__(
        self,
        profile: S3Profile,
        *,
        host: str,
        secure: bool,
        style: str = "path",
        dualstack: bool = False,
        fips: bool = False,
    ) -> None:
        if style not in STYLES:
            raise ValueError(f"unknown addressing style {style!r}; choose {', '.join(STYLES)}")
        if style == "virtual" and is_address(host):
            raise ValueError(
                f"a bucket cannot be part of the IP address {host}: use the addressing style 'path'"
            )
        self._profile = profile
        self._host = host
        self._secure = secure
        self._variant = {"dualstack": dualstack, "fips": fips, "dotted": style != "path"}
        # Requests are never moved away from a custom host, only signed for another region.
        self._movable = dualstack or fips or profile.serves(host)
        self._virtual = style == "virtual" or (
            style == "auto" and self._movable and not profile.path_style
        )
        self._regions: dict[str, str] = {}
        #: Whether every request currently goes unchanged to the host of the driver.
        self.is_plain = not self._virtual

    @property
    def host(self) -> str:
        return self._host

    @property
    def style(self) -> str:
        """``"path"``, or ``"virtual"`` for buckets whose names allow it."""
        return "virtual" if self._virtual else "path"

    def resolve(self, action: str) -> Address:
        """Return where a request for ``/bucket/key?query``, percent-encoded, goes."""
        bucket, key, query = _split(action)
        region = self._regions.get(bucket)
        host = self._host
        if region is not None and self._movable:
            host = self._profile.host(region, **self._variant) or self._host
        if self._virtual and can_be_in_host(bucket, secure=self._secure):
            return Address(f"{bucket}.{host}", f"/{key}{query}", bucket, region, True)
        return Address(host, action, bucket, region)

    def has_host(self, region: str) -> bool:
        """Return whether requests for ``region`` can go to a host of that region."""
        return self._movable and self._profile.host(region, **self._variant) is not None

    def region_of_host(self, host: str, bucket: str) -> str | None:
        """Return the region of a host, with or without the bucket; ``None`` if it has none."""
        return self._profile.region_of(host.lower().removeprefix(f"{bucket}."))

    def learn_region(self, bucket: str, region: str) -> bool:
        """Remember the region of a bucket; return whether ``region`` is a valid name."""
        if not re.fullmatch(_REGION, region):
            return False
        known = self._regions.get(bucket)
        self._regions[bucket] = region
        self.is_plain = False
        if known != region:
            what = f"The bucket {bucket}" if bucket else "The store"
            _log.info("%s is in the region %s; its requests go there from now on", what, region)
        return True


def _split(action: str) -> tuple[str, str, str]:
    """Return the bucket, the key, and the query with its question mark."""
    path, question, query = action.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key, question + query


def choose_profile(
    own: S3Profile, *, host: str | None, given: S3Profile | None = None, named: str | None = None
) -> S3Profile:
    """Return the profile of a driver: the user's choice, that of ``host``, or ``own``."""
    if given is not None and named is not None:
        raise ValueError("ex_profile and ex_s3_profile exclude each other: pass one of them")
    if given is not None:
        return given
    if named is not None:
        return profile_named(named)
    # Only the class for Amazon is also used for other stores.
    if host is None or own is not AMAZON:
        return own
    return profile_of_host(host) or GENERIC


def default_region(profile: S3Profile, host: str | None, default: str) -> str:
    """Return the region to use if the user passes none: of the host, of the profile, or default."""
    found = profile.region_of(host) if host else None
    if found is not None:
        return found
    # Most profiles contain "us-east-1" only because their servers accept any region.
    return default if profile.default_region in ("", "us-east-1") else profile.default_region


def choose_host(
    profile: S3Profile, host: str | None, region: str, options: Mapping[str, Any]
) -> str:
    """Return ``host``, or the host of the region if it is ``None``.

    :raises ValueError: the store has no such region or no such host for it, or ``host`` is combined
        with an option that selects another host.
    """
    variant = {name: bool(options.get(f"ex_use_{name}")) for name in ("dualstack", "fips")}
    asked = " and ".join(f"ex_use_{name}" for name, wanted in variant.items() if wanted)
    if host is not None:
        if asked:
            raise ValueError(f"{asked} selects a host of Amazon: do not pass host as well")
        return host
    # The hosts with a hyphen are those of Apache Libcloud; buckets can only precede the others.
    dotted = options.get("ex_addressing_style", "path") != "path"
    found = profile.host(region, **variant, dotted=dotted)
    if found is not None:
        return found
    if not (profile.hosts or profile.host_pattern):
        raise ValueError(f"{profile.name} has no default host: pass endpoint_url")
    if asked and profile.host(region) is not None:
        raise ValueError(f"{profile.name} has no host for {asked} in the region {region}")
    raise ValueError(f"Invalid or unsupported region: {region}")
