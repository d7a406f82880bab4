# SPDX-License-Identifier: Apache-2.0
"""Tests of Apache Libcloud 3.9.1 that this library fails on purpose, each with its reason.

A key is ``HELPERS:TEST``: ``HELPERS`` is ``upstream`` or ``ours``, the helpers the test fails with,
or ``*`` for both; ``TEST`` is the id that ``contrib/upstream_suite.py`` prints.
"""

from __future__ import annotations

# The tests want ``driver.connectionCls`` to be a class that other drivers share, and its ``host``
# to be this driver's, so that a second driver would disturb the first. A driver whose host is not
# the class's has a connection class of its own, derived from it.
_OWN_CLASS = "connectionCls is derived from the class: a shared class does not hold a driver's host"

EXCEPTIONS: dict[str, str] = {
    f"*:storage.{test}.test_connection_class_type": _OWN_CLASS
    for test in (
        "test_digitalocean_spaces.DigitalOceanSpacesDoubleInstanceTests",
        "test_ovh.OvhStorageDriverTestCase",
        "test_rgw.S3RGWOutscaleDoubleInstanceTests",
        "test_rgw.S3RGWOutscaleTests",
        "test_scaleway.ScalewayStorageDriverTestCase",
    )
}
