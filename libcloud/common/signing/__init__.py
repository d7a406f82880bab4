# SPDX-License-Identifier: Apache-2.0
"""Request signatures: functions of a request, credentials and a time.

May import ``libcloud.utils`` and, from ``libcloud.common``, ``request``, ``address`` and
``credentials``; knows neither ``Connection`` nor ``libcloud.http``. Tests:
``test/common/test_sigv2.py`` and ``test_sigv4.py``.

``sigv2`` is the older signature of S3 and of Google Cloud Storage, ``sigv4`` is AWS Signature
Version 4, ``sharedkey`` that of Azure Storage. A module is imported when it is first used:
``signing.sigv4.sign(...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.utils.lazy import submodules

if TYPE_CHECKING:
    from libcloud.common.signing import sharedkey as sharedkey
    from libcloud.common.signing import sigv2 as sigv2
    from libcloud.common.signing import sigv4 as sigv4
else:
    __getattr__ = submodules(__name__)
