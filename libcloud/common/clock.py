# SPDX-License-Identifier: Apache-2.0
"""Signing by the clock of the store, where that of this machine is wrong."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any

_log = logging.getLogger(__name__)

# Stores accept 15 minutes. A difference of less than a minute may be the time on the network, and
# is not why a request was refused.
_NOTABLE = timedelta(minutes=1)


def correct_clock(connection: Any, date: datetime, used: timedelta) -> bool:
    """Have ``connection`` sign with the time of the store, after it refused a request.

    :param connection: with ``host`` and ``clock_offset``, which this changes.
    :param date: of the response.
    :param used: ``clock_offset`` when the request was signed; another thread may have corrected it.
    :return: whether the time is another one than that of the request now.
    """
    offset = date - datetime.now(timezone.utc)
    if abs(offset - connection.clock_offset) > _NOTABLE:
        connection.clock_offset = offset
        _log.warning(
            "The clocks of this machine and of %s differ by %.0f seconds; requests are signed "
            "with the time of the store",
            connection.host,
            abs(offset.total_seconds()),
        )
    return bool(abs(connection.clock_offset - used) > _NOTABLE)
