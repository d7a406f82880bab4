# SPDX-License-Identifier: Apache-2.0
"""A fake server that checks its requests, and the command that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.servers import fake_server


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """The command, with a store that has one bucket and checks that no request breaks a rule."""
    home = tmp_path / "home"
    home.mkdir()
    with fake_server() as endpoint:
        chosen = Shell(endpoint, home)
        chosen.driver.create_container(BUCKET)
        yield chosen
        assert not chosen.fake.violations


@pytest.fixture
def other(shell: Shell) -> Iterator[Shell]:
    """Another store."""
    with fake_server() as endpoint:
        chosen = Shell(endpoint, shell.home)
        chosen.driver.create_container(BUCKET)
        yield chosen
