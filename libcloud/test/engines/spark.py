# SPDX-License-Identifier: Apache-2.0
"""Java: whether it is installed, and its end. Spark keeps it after a session."""

from __future__ import annotations

import os
import shutil

import pytest


def needs_java() -> None:
    """Skip a test where Java is not installed; the summary names it as missing."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=os.path.join(home, "bin") if home else None) is None:
        pytest.skip("missing: Java, which Spark needs")


def stop_java() -> None:
    """End the Java of this process; the next session starts one, with the variables of then."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()  # which it waits for
        gateway.proc.wait()
        SparkContext._gateway = SparkContext._jvm = None
