# SPDX-License-Identifier: Apache-2.0
"""The examples of the pages about engines run, in order, and print what the pages say."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from libcloud.test.docs.pages import ROOT, blocks
from libcloud.test.docs.running import CONTAINERS, KEY, SECRET, in_session
from libcloud.test.engines.spark import needs_java, stop_java
from libcloud.test.storage.fakes.options import Options
from libcloud.test.storage.fakes.servers import fake_server

pytestmark = pytest.mark.slow

PAGES = sorted((ROOT / "docs" / "howto" / "engines").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_print_what_it_shows(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.stem == "spark":
        needs_java()
        request.addfinalizer(stop_java)
    monkeypatch.setenv("HYDRA_LAUNCHER", "fork")
    monkeypatch.setenv("HYDRA_IFACE", "lo")
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    with (
        fake_server(Options(key=KEY, secret=SECRET)) as endpoint,
        in_session(endpoint, tmp_path) as session,
    ):
        assert endpoint.fake is not None
        endpoint.fake.create_bucket(*CONTAINERS)
        for block in blocks(page.read_text(encoding="utf-8")):
            session.run(block)
        session.finish()
        assert not endpoint.fake.unfinished_uploads()
        assert not endpoint.fake.violations


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} == {"dask", "processes", "ray", "spark"}
