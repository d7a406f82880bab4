# SPDX-License-Identifier: Apache-2.0
"""Tests of Apache Libcloud 3.9.1 that fail here because of a defect of theirs, with that defect.

A key is ``RUN:TEST``: ``RUN`` is a run of ``contrib/upstream_suite.py`` (``upstream``, ``ours``,
``complete``), or ``*`` for all of them; ``TEST`` is the id that it prints.
"""

from __future__ import annotations

EXCEPTIONS: dict[str, str] = {
    "complete:dns.test_base.BaseTestCase.test_export_zone_to_bind_format_success": (
        "the test puts the version into a regular expression without escaping it, where the + of "
        "a local version repeats what precedes it"
    ),
}
