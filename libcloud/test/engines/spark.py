# SPDX-License-Identifier: Apache-2.0
"""Whether Spark can be tested here."""

from __future__ import annotations

import os
import shutil

import pytest


def needs_java() -> None:
    """Skip a test where Java is not installed; the summary names it as missing."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=os.path.join(home, "bin") if home else None) is None:
        pytest.skip("missing: Java, which Spark needs")
