# SPDX-License-Identifier: Apache-2.0
"""The page of upload options names them all."""

from __future__ import annotations

from libcloud.storage.drivers.s3_options import UploadKeywords
from libcloud.test.docs.pages import ROOT


def test_the_table_of_options_is_complete() -> None:
    text = (ROOT / "docs" / "reference" / "options.md").read_text(encoding="utf-8")
    assert not [name for name in UploadKeywords.__annotations__ if f"`{name}" not in text]
