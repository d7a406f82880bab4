# SPDX-License-Identifier: Apache-2.0
"""The examples of the page about pandas run and print what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from libcloud.test.docs.pages import blocks
from libcloud.test.docs.running import CONTAINERS, KEY, SECRET, in_session
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.servers import fake_server


def test_the_examples_print_what_the_page_shows(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    assert pytestconfig.inipath is not None  # pyproject.toml: the wheel has no pages
    page = pytestconfig.inipath.parent / "docs" / "howto" / "pandas.md"
    options = Options(key=KEY, secret=SECRET)
    with fake_server(options) as endpoint, in_session(endpoint, tmp_path) as session:
        assert endpoint.fake is not None
        endpoint.fake.create_bucket(*CONTAINERS)
        for block in blocks(page.read_text(encoding="utf-8")):
            session.run(block)
        session.finish()
        assert not endpoint.fake.violations
