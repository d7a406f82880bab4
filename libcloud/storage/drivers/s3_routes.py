# SPDX-License-Identifier: Apache-2.0
"""Which host a request goes to, by its bucket: in the path or in the host, and in which region.

Drivers, and whoever derives from them, write paths as ``/bucket/key``. The connection makes of that
what goes on the wire, in each attempt anew.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from threading import RLock
from typing import Any

from libcloud.common.base import ConnectionUserAndKey
from libcloud.storage import s3
from libcloud.storage.s3.profile import S3Profile
from libcloud.utils.hosts import authority
from libcloud.utils.per_process import PerProcess
from libcloud.utils.per_thread import PerThread

__all__ = ["Route", "RoutedConnection", "Routes"]

_log = logging.getLogger(__name__)

# What may be told to a user, and signed for, as a region; a server said it.
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one request.

    :param host: with the bucket in it, where that is the style.
    :param action: path and query that go with it.
    :param bucket: as it stands in a path; empty if the request is about none.
    :param region: to sign for; ``None``: the driver's.
    :param in_host: the bucket stands in ``host``, not in ``action``.
    """

    host: str
    action: str
    bucket: str
    region: str | None = None
    in_host: bool = False

    @property
    def resource(self) -> str:
        """Path and query with the bucket in front, wherever it goes on the wire."""
        return f"/{self.bucket}{self.action}" if self.in_host else self.action


class Routes:
    """The ways of the requests of one driver, for all its threads.

    :param host: that of the driver.
    :param style: one of :data:`~libcloud.storage.s3.endpoint.STYLES`.
    :param dualstack: hosts of other regions are dual-stack ones.
    :param fips: they are FIPS ones.
    :raises ValueError: there is no such style, or ``host`` is an address, which no name can stand
        before.
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
        if style != "path" and style not in s3.endpoint.STYLES:
            styles = ", ".join(s3.endpoint.STYLES)
            raise ValueError(f"There is no addressing style {style!r}; there are {styles}")
        if style == "virtual" and s3.endpoint.is_address(host):
            raise ValueError(f"No bucket can be part of the address {host}: use the style 'path'")
        self._profile = profile
        self._host = host
        self._secure = secure
        self._variant = {"dualstack": dualstack, "fips": fips, "dotted": style != "path"}
        # A host that the user has chosen for himself is not left.
        self._movable = dualstack or fips or profile.serves(host)
        self._virtual = style == "virtual" or (
            style == "auto" and self._movable and not profile.path_style
        )
        self._lock = PerProcess(RLock)
        self._regions: dict[str, str] = {}

    @property
    def style(self) -> str:
        """``"path"`` or ``"virtual"``; with the latter, buckets whose names allow it."""
        return "virtual" if self._virtual else "path"

    @property
    def all_plain(self) -> bool:
        """Whether every request goes to the host of the driver, as it is, as far as is known."""
        return not self._virtual and not self._regions

    def of(self, action: str) -> Route:
        """The way of a request.

        :param action: ``/bucket/key?query``, percent-encoded.
        """
        bucket, key, query = _split(action)
        region = self._regions.get(bucket)
        host = self._host
        if region is not None and self._movable:
            host = self._profile.host(region, **self._variant) or self._host
        if self._virtual and s3.endpoint.can_be_in_host(bucket, secure=self._secure):
            return Route(f"{bucket}.{host}", f"/{key}{query}", bucket, region, True)
        return Route(host, action, bucket, region)

    def known_region(self, action: str) -> str | None:
        """The region that the bucket of a request is in, if that was found out."""
        return self._regions.get(_split(action)[0]) if self._regions else None

    def has_host(self, region: str) -> bool:
        """Whether requests for ``region`` can go to a host of its own."""
        return self._movable and self._profile.host(region, **self._variant) is not None

    def region_of(self, endpoint: str, bucket: str) -> str | None:
        """The region that a host which an answer names is in; ``None`` if it is none of a region's.

        :param endpoint: perhaps with the bucket in front.
        """
        return self._profile.region_of(endpoint.lower().removeprefix(f"{bucket}."))

    def learn(self, bucket: str, region: str) -> bool:
        """Remember where a bucket is; whether ``region`` can be one."""
        if not _REGION.fullmatch(region):
            return False
        with self._lock():
            known = self._regions.get(bucket)
            self._regions[bucket] = region
        if known != region:
            what = f"The bucket {bucket}" if bucket else "The store"
            _log.info("%s is in the region %s; requests for it go there", what, region)
        return True


class RoutedConnection(ConnectionUserAndKey):
    """A connection whose requests may go to hosts of buckets and of regions.

    The host that it was made for is the one that requests go to as long as nobody says otherwise.
    """

    routes: Routes | None = None
    """``None``: all requests go to the host, as they are."""

    _route: Any = PerThread()

    def route_of(self, action: str) -> Route | None:
        """The way of a request; that of the one that this thread is sending if there is one.

        ``None``: it goes to the host, as it is.
        """
        route: Route | None = self._route
        if route is not None or self.routes is None or self.routes.all_plain:
            return route
        return self.routes.of(action)

    def region_of_request(self) -> str:
        """The region that this thread's request is signed for."""
        route = self._route
        if route is not None and route.region is not None:
            return str(route.region)
        return str(getattr(self.driver, "region_name", None) or "")

    def _attempt(self, call: Any) -> Any:
        if self.routes is None or self.routes.all_plain:
            return super()._attempt(call)
        self._route = self.routes.of(call.action)
        try:
            return super()._attempt(call)
        finally:
            self._route = None

    def _host_header(self) -> str:
        route = self._route
        if route is None or route.host == self.host:
            return super()._host_header()
        return authority(route.host, int(self.port), scheme=self._scheme)

    def _retryable_request(
        self, url: str, data: Any, headers: Any, method: str, raw: bool, stream: bool
    ) -> Any:
        route = self._route
        if route is not None and route.host != self.host:
            place = authority(route.host, int(self.port), scheme=self._scheme)
            url = f"{self._scheme}://{place}{url}"
        return super()._retryable_request(url, data, headers, method, raw, stream)


def _split(action: str) -> tuple[str, str, str]:
    """Bucket, key, and the query with its question mark."""
    path, question, query = action.partition("?")
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key, question + query
