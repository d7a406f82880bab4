# SPDX-License-Identifier: Apache-2.0
"""What drivers of any kind share: connections, answers, errors, signatures, credentials.

What for: turning a call of a driver into a request and what comes back into an answer or an error.
May import: ``libcloud.utils``, ``libcloud.security`` and ``libcloud.http``; ``types`` and
``exceptions`` may import nothing but ``libcloud.utils``. Proof: ``test/common/``,
``test/test_connection.py``, ``test/test_response_classes.py``.

A module of it is imported when it is named: ``common.request``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.common import credential_renewal as credential_renewal
    from libcloud.common import credential_sources as credential_sources
    from libcloud.common import credentials as credentials
    from libcloud.common import request as request
    from libcloud.common import sigv2 as sigv2
    from libcloud.common import sigv4 as sigv4
else:
    __getattr__ = submodules(__name__)
