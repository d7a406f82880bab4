# SPDX-License-Identifier: Apache-2.0
"""Request signatures: functions of a request, credentials and a time, that of the store.

May import ``libcloud.utils`` and, from ``libcloud.common``, ``request``, ``address`` and
``credentials``. Tests: ``test/common/test_sigv2.py`` and ``test_sigv4.py``.

``sigv2`` is the older signature of S3 and of Google Cloud Storage, ``sigv4`` is AWS Signature
Version 4, ``sharedkey`` that of Azure Storage. A module is imported when it is first used.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.common.signing import sharedkey as sharedkey
    from libcloud.common.signing import sigv2 as sigv2
    from libcloud.common.signing import sigv4 as sigv4
else:
    __getattr__ = submodules(__name__)

_log = logging.getLogger(__name__)

# Stores accept 15 minutes. A difference of less than a minute may be the time on the network, and
# is not why a request was refused.
_NOTABLE = timedelta(minutes=1)


def correct_clock(connection: Any, date: datetime, used: timedelta) -> bool:
    """Have ``connection`` sign with the time of the store, after it refused a request.

    :param date: of the response.
    :param used: ``clock_offset`` when the request was signed; another thread may have corrected it.
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
