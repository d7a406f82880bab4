# SPDX-License-Identifier: Apache-2.0
"""Temporary credentials: fetched on first use and refreshed before they expire."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from threading import RLock
from typing import Any

from libcloud.common.credentials.types import Credentials
from libcloud.utils.per_process import PerProcess

_log = logging.getLogger(__name__)

# Credentials are refreshed this long before they expire, or after half of their lifetime if that is
# shorter. The AWS SDKs refresh in the last five minutes too (SDKs Reference Guide, "Credential
# providers").
_MARGIN = timedelta(minutes=5)
_RETRY_AFTER = timedelta(minutes=1)  # next attempt after a failed refresh


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class _Cached:
    """Credentials and the time at which they should be refreshed; ``None``: never."""

    credentials: Credentials
    due: datetime | None


class CredentialProvider:
    """Caches the credentials that a function returns, and refreshes them before they expire.

    Safe for threads; only one thread at a time calls the function. Several drivers may share a
    provider by passing it as ``ex_credentials``.

    :param fetch: returns the current credentials. Its exceptions propagate to the request, unless
        the cached credentials are still valid.
    :param now: the current time, aware, to compare with the expiry.
    """

    def __init__(
        self, fetch: Callable[[], Credentials], *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = PerProcess(RLock)
        self._cached: _Cached | None = None
        self._suspected: Credentials | None = None

    def __getstate__(self) -> dict[str, Any]:
        """The function without cached credentials: a copy or another process fetches its own."""
        return {**vars(self), "_cached": None, "_suspected": None}

    def __call__(self) -> Credentials:
        return self.current()

    def current(self) -> Credentials:
        """Return credentials that have not expired as far as is known.

        :raises TypeError: the function returned something else.
        """
        cached = self._cached
        if cached is not None and not self._is_due(cached):
            return cached.credentials
        # One thread refreshes; the others wait for it only if they have no valid credentials.
        valid = cached is not None and not self._has_expired(cached)
        lock = self._lock()
        if not lock.acquire(blocking=not valid):
            assert cached is not None
            return cached.credentials
        try:
            if self._cached is None or self._is_due(self._cached):
                self._refresh(tolerant=valid)
            assert self._cached is not None
            return self._cached.credentials
        finally:
            lock.release()

    def refresh(self, rejected: Credentials, *, certain: bool = True) -> bool:
        """Fetch again because a store rejected ``rejected``; return whether they have changed.

        :param certain: the store named the credentials as the reason. Otherwise the function is
            called only once for the same credentials.
        """
        with self._lock():
            if self._cached is None or self._cached.credentials != rejected:
                return True  # another thread has refreshed them already
            if not certain and self._suspected == rejected:
                return False
            self._suspected = rejected
            self._refresh(tolerant=False)
            return self._cached.credentials != rejected

    def discard(self, rejected: Credentials) -> bool:
        """Have the next request fetch again because a store rejected ``rejected``.

        :return: always ``True``: the request can be sent again.
        """
        with self._lock():
            if self._cached is not None and self._cached.credentials == rejected:
                self._cached = None
        return True

    def _refresh(self, *, tolerant: bool) -> None:
        """Fetch, while the lock is held.

        :param tolerant: keep using the cached credentials after an error.
        """
        try:
            credentials = self._fetch()
            if not isinstance(credentials, Credentials):
                raise TypeError(
                    "ex_credentials must return libcloud.common.credentials.Credentials, "
                    f"not {type(credentials).__name__}"
                )
        except Exception as error:
            if not tolerant or self._cached is None:
                raise
            # The text of the error may contain a secret.
            _log.warning("Refreshing the credentials failed (%s)", type(error).__name__)
            self._cached = _Cached(self._cached.credentials, self._now() + _RETRY_AFTER)
        else:
            self._cached = _Cached(credentials, self._due(credentials))

    def _due(self, credentials: Credentials) -> datetime | None:
        if credentials.expires is None:
            return None
        left = credentials.expires - self._now()
        return credentials.expires - min(_MARGIN, left / 2)

    def _is_due(self, cached: _Cached) -> bool:
        return (cached.due is not None and self._now() >= cached.due) or self._has_expired(cached)

    def _has_expired(self, cached: _Cached) -> bool:
        expires = cached.credentials.expires
        return expires is not None and self._now() >= expires
