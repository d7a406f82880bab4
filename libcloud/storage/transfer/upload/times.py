# SPDX-License-Identifier: Apache-2.0
"""Times that the store reports, by its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from libcloud.storage.transfer.values import Confirmation
from libcloud.utils.headers import http_date

_GRACE = timedelta(seconds=2)  # Last-Modified has whole seconds


class StoreTimes:
    """When an upload began, and whether an object was written since."""

    _began: datetime | None = None
    _date = ""

    def start(self, when: datetime) -> None:
        """The upload began at ``when``, as another process reports."""
        self._began = when

    def see(self, headers: Mapping[str, str]) -> None:
        """Remember the first time that the store reported during this upload."""
        self._date = self._date or headers.get("date", "")

    @property
    def started_at(self) -> datetime | None:
        """When the upload began; ``None`` if that is not known."""
        return self._began or http_date(self._date)

    def written_since(self, headers: Mapping[str, str]) -> Confirmation:
        """Whether the object with these response headers is younger than that time."""
        modified, started_at = http_date(headers.get("last-modified", "")), self.started_at
        if modified is None or started_at is None:
            return Confirmation.UNCLEAR
        recent = modified >= started_at - _GRACE
        return Confirmation.STORED if recent else Confirmation.ABSENT

    def is_newer(self, headers: Mapping[str, str]) -> bool:
        """Whether it is certain that the object was written after that time."""
        modified, started_at = http_date(headers.get("last-modified", "")), self.started_at
        return modified is not None and started_at is not None and modified > started_at


def is_recent(headers: Mapping[str, str], seconds: float) -> bool:
    """Whether the object was written within ``seconds`` before this response of the store."""
    now, modified = http_date(headers.get("date", "")), http_date(headers.get("last-modified", ""))
    if now is None or modified is None:
        return False
    return modified >= now - timedelta(seconds=seconds) - _GRACE


def was_created_within(headers: Mapping[str, str], seconds: float) -> bool:
    """The same by ``X-Timestamp``, seconds since 1970, as Swift sends it; true without it."""
    now = http_date(headers.get("date", ""))
    try:
        created = float(headers.get("x-timestamp", ""))
    except ValueError:
        return True
    return now is None or created >= now.timestamp() - seconds - _GRACE.total_seconds()
