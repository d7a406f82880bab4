# SPDX-License-Identifier: Apache-2.0
"""Planted bugs in how arguments are checked and passed on; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_TESTS = "libcloud/test"
_DRIVERS = "libcloud/storage/drivers"

_BASE_DRIVER = (f"{_TESTS}/common/test_base_driver.py",)
_HELPERS = (f"{_TESTS}/test_helpers.py",)
_CONNECTION = (f"{_TESTS}/test_connection.py",)

MUTANTS = (
    Mutant(
        "the host of the hook is a second one",
        "libcloud/common/base.py",
        'settings.pop("host", None) or host, settings.pop("port", None) or port',
        "host, port",
        _BASE_DRIVER,
    ),
    Mutant(
        "a mock sees numbers in headers",
        f"{_TESTS}/_mock_http.py",
        "        headers = self._normalize_headers(headers=headers)\n        self._replies",
        "        self._replies",
        _HELPERS,
    ),
    Mutant(
        "no host is the host None",
        "libcloud/common/connection.py",
        "            if self.host is not None:\n",
        "            if True:\n",
        _CONNECTION,
    ),
)
