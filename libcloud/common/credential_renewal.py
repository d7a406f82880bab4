# SPDX-License-Identifier: Apache-2.0
"""Credentials that do not last: asked for when they are needed, and again before they expire."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from threading import RLock
from typing import Any

from libcloud.common.credentials import Credentials
from libcloud.utils.per_process import PerProcess

__all__ = ["CredentialSource"]

_log = logging.getLogger(__name__)

# As long before they expire are credentials renewed, or half of their time if that is less. The AWS
# SDKs ask for new ones in the last five minutes too (SDKs Reference Guide, "Credential providers").
_MARGIN = timedelta(minutes=5)
_PAUSE = timedelta(minutes=1)  # after a renewal that failed


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Credentials, and when they are to be renewed; ``None`` never."""

    credentials: Credentials
    due: datetime | None


class CredentialSource:
    """Credentials by a function, which is called by one thread at a time.

    Several drivers may share one: each ``ex_credentials`` that is such a source is used as it is.

    :param ask: gives the credentials of the moment. Its errors reach whoever makes the request;
        but as long as the credentials before are valid, they are used on.
    :param now: the time, aware, by which they expire.
    """

    def __init__(
        self, ask: Callable[[], Credentials], *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._ask = ask
        self._now = now
        self._lock = PerProcess(RLock)
        self._kept: _Kept | None = None
        self._doubted: Credentials | None = None

    def __getstate__(self) -> dict[str, Any]:
        """The function, and nothing that it gave: a copy, or another process, asks again."""
        return {**vars(self), "_kept": None, "_doubted": None}

    def __call__(self) -> Credentials:
        return self.current()

    def current(self) -> Credentials:
        """Credentials that have not expired, as far as one can tell.

        :raises TypeError: the function gave something else.
        """
        kept = self._kept
        if kept is not None and not self._is_due(kept):
            return kept.credentials
        # One thread renews; the others wait for it only if they have nothing to go on with.
        valid = kept is not None and not self._has_expired(kept)
        lock = self._lock()
        if not lock.acquire(blocking=not valid):
            assert kept is not None
            return kept.credentials
        try:
            if self._kept is None or self._is_due(self._kept):
                self._renew(tolerant=valid)
            assert self._kept is not None
            return self._kept.credentials
        finally:
            lock.release()

    def renew(self, refused: Credentials, *, certain: bool = True) -> bool:
        """Ask again because a store has refused ``refused``; whether there are others now.

        :param certain: the store said that it was because of them. Otherwise the function is asked
            only once for the same credentials.
        """
        with self._lock():
            if self._kept is None or self._kept.credentials != refused:
                return True  # another thread has been here
            if not certain and self._doubted == refused:
                return False
            self._doubted = refused
            self._renew(tolerant=False)
            return self._kept.credentials != refused

    def _renew(self, *, tolerant: bool) -> None:
        """Ask; the lock is held.

        :param tolerant: after an error go on with what there is.
        """
        try:
            credentials = self._ask()
            if not isinstance(credentials, Credentials):
                raise TypeError(
                    "ex_credentials must give libcloud.common.credentials.Credentials, "
                    f"not {type(credentials).__name__}"
                )
        except Exception as error:
            if not tolerant or self._kept is None:
                raise
            # Not the text of the error: nobody knows what is in there.
            _log.warning("No new credentials yet (%s)", type(error).__name__)
            self._kept = _Kept(self._kept.credentials, self._now() + _PAUSE)
        else:
            self._kept = _Kept(credentials, self._due(credentials))

    def _due(self, credentials: Credentials) -> datetime | None:
        if credentials.expires is None:
            return None
        left = credentials.expires - self._now()
        return credentials.expires - min(_MARGIN, left / 2)

    def _is_due(self, kept: _Kept) -> bool:
        return (kept.due is not None and self._now() >= kept.due) or self._has_expired(kept)

    def _has_expired(self, kept: _Kept) -> bool:
        expires = kept.credentials.expires
        return expires is not None and self._now() >= expires
