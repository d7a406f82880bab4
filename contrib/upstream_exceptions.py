# SPDX-License-Identifier: Apache-2.0
"""Tests of Apache Libcloud 3.9.1 that this library fails on purpose, each with its reason.

A key is ``HELPERS:TEST``: ``HELPERS`` is ``upstream`` or ``ours``, the helpers the test fails with,
or ``*`` for both; ``TEST`` is the id that ``contrib/upstream_suite.py`` prints.
"""

from __future__ import annotations

EXCEPTIONS: dict[str, str] = {}
