# SPDX-License-Identifier: Apache-2.0
"""Modules can be imported by the names that they had."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from libcloud.common.credentials import discovery
from libcloud.utils.environment import MOVED


@pytest.mark.parametrize("name", MOVED)
def test_a_former_name_is_the_module_in_its_new_place(name: str) -> None:
    sys.modules.pop(name, None)
    place = import_module(MOVED[name])
    spec = place.__spec__
    assert import_module(name) is place
    assert place.__spec__ is spec
    assert place.__name__ == MOVED[name]


def test_the_function_that_finds_credentials_keeps_its_former_name() -> None:
    former = import_module("libcloud.common.credential_sources")
    assert former.discover is discovery.discover
