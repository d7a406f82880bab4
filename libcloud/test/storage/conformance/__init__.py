# SPDX-License-Identifier: Apache-2.0
"""One suite of behaviours for every storage driver.

A behaviour is a plain function that takes a :class:`.harness.Harness` and uses nothing but the
public storage API. It names the capabilities it needs; a driver that declares them is held to it.
Nothing is tried and skipped when it fails: where a server differs, :mod:`.targets` says so, with
the reason. Run by ``test_conformance.py`` against every target; to prove a driver of your own, add
a line to the table in :mod:`.targets`.
"""
