# SPDX-License-Identifier: Apache-2.0
"""Imports of the command, without garbage collection."""

from __future__ import annotations

import gc

import pytest

from libcloud.cli.imports import without_collection


def test_no_garbage_is_collected_during_imports_but_after_them() -> None:
    with without_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_is_collected_after_a_failed_import() -> None:
    with pytest.raises(ImportError), without_collection():
        raise ImportError
    assert gc.isenabled()


def test_a_program_that_collects_no_garbage_keeps_it_that_way() -> None:
    gc.disable()
    try:
        with without_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
