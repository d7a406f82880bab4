# SPDX-License-Identifier: Apache-2.0
"""Shared by all drivers: connections, responses, exceptions, signatures and credentials.

Turns a driver's call into an HTTP request and the response into a value or an exception. May import
``libcloud.utils``, ``libcloud.security`` and ``libcloud.http``; ``types`` and ``exceptions`` may
import ``libcloud.utils`` only. Tests: ``test/common/``, ``test/test_connection.py``,
``test/test_response_classes.py``.

A module is imported when it is first used: ``common.request.parse_query(...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.common import request as request
else:
    __getattr__ = submodules(__name__)
