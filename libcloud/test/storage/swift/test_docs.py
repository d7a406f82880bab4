# SPDX-License-Identifier: Apache-2.0
"""The examples of ``docs/howto/swift.md``, which need a Swift, run on the fake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from libcloud.test.storage.fakes.swift import FakeSwift, SwiftLimits

PAGE = Path(__file__).parents[4] / "docs" / "howto" / "swift.md"


def test_the_examples_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeSwift(SwiftLimits(page_size=100)) as fake:
        for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_STORAGE_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ST_AUTH", f"{fake.url}/auth/v1.0")
        monkeypatch.setenv("ST_USER", fake.user)
        monkeypatch.setenv("ST_KEY", fake.key)
        blocks = re.findall(r"```py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        names: dict[str, Any] = {}
        for block in blocks:
            exec(block, names)
        assert len(blocks) == 3
        assert len(fake.segments()) > 5 and fake.violations == []
