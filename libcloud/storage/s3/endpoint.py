# SPDX-License-Identifier: Apache-2.0
"""Where a store is reached, and whether a bucket's name can stand in the name of its host."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from libcloud.utils.hosts import authority

__all__ = ["STYLES", "Endpoint", "can_be_in_host", "is_address", "parse_endpoint"]

STYLES = ("auto", "path", "virtual")
"""Where the bucket of a request stands.

``path``: in the path. ``virtual``: in the name of the host, if it can stand there. ``auto``: so
with Amazon, and with stores that want it so; elsewhere in the path.
"""

_PORTS = {"https": 443, "http": 80}

# One label of a host's name, by the rules for buckets: Amazon S3 User Guide, "General purpose
# bucket naming rules".
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_BUCKET = re.compile(_LABEL)
_DOTTED_BUCKET = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a store is reached.

    :param host: name or address; an IPv6 address with or without brackets.
    :param secure: https, not http.
    :param port: ``None`` is the scheme's own.
    :param path: what all paths of the store begin with, without a slash at its end; mostly empty.
    """

    host: str
    secure: bool = True
    port: int | None = None
    path: str = ""

    @property
    def scheme(self) -> str:
        """``https`` or ``http``."""
        return "https" if self.secure else "http"

    @property
    def authority(self) -> str:
        """What a client sends as ``Host``: the port only where it is not the scheme's own."""
        return authority(self.host, self.port, scheme=self.scheme)


def parse_endpoint(url: str) -> Endpoint:
    """The endpoint that ``url`` names; its port is always a number.

    A path is kept: requests go to ``URL/bucket/key``, and are signed so, for stores behind a
    gateway that hands paths on as they are.

    :raises ValueError: it is no http or https URL, or holds credentials, a query or a fragment. The
        message does not show it, for it may hold a secret.

    >>> parse_endpoint("http://localhost:9000")
    Endpoint(host='localhost', secure=False, port=9000, path='')
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("the endpoint is no URL: write http://HOST:PORT or https://HOST") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ValueError("the endpoint is no URL: write http://HOST:PORT or https://HOST")
    if "@" in parts.netloc:
        raise ValueError("an endpoint holds no credentials: pass a key and a secret beside it")
    if parts.query or parts.fragment:
        raise ValueError("an endpoint has no query and no fragment: write https://HOST/PATH")
    return Endpoint(
        parts.hostname,
        parts.scheme == "https",
        port or _PORTS[parts.scheme],
        parts.path.rstrip("/"),
    )


def can_be_in_host(bucket: str, *, secure: bool) -> bool:
    """Whether the name of a bucket can be the first part of a host's name.

    Over https it has no dots, because a certificate for ``*.host`` is good for one label only.

    >>> can_be_in_host("photos.2026", secure=False), can_be_in_host("photos.2026", secure=True)
    (True, False)
    """
    pattern = _BUCKET if secure else _DOTTED_BUCKET
    if not 3 <= len(bucket) <= 63 or not pattern.fullmatch(bucket):
        return False
    return "." not in bucket or not is_address(bucket)


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
