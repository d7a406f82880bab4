# SPDX-License-Identifier: Apache-2.0
"""``make fork``: builds the wheel of the complete build.

Exits with 2, and leaves the directory of wheels as it was, when the source distribution cannot be
downloaded, has another hash, or does not support this Python; with 1 when the build fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from upstream_sdist import ROOT, DownloadError

from fork.overlay import stage


class BuildError(Exception):
    """pip could not build the wheel."""


def build(destination: Path) -> Path:
    """Build the wheel, and put it into ``destination`` when it is complete.

    :raises DownloadError: see :func:`fork.overlay.stage`. Nothing was built.
    :raises BuildError: nothing was put into ``destination``.
    """
    scratch = ROOT / "build"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="fork-") as name:
        project, wheels = Path(name) / "project", Path(name) / "wheels"
        stage(project)
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
        command += ["--no-deps", "--wheel-dir", str(wheels), str(project)]
        if subprocess.run(command, check=False).returncode:
            raise BuildError("pip could not build the wheel; its message is above")
        (wheel,) = wheels.glob("apache_libcloud-*.whl")
        destination.mkdir(parents=True, exist_ok=True)
        return wheel.replace(destination / wheel.name)


def main() -> int:
    """Build; the exit status."""
    parser = argparse.ArgumentParser(
        prog="make fork", description="Build a wheel of all of Apache Libcloud on this library."
    )
    parser.add_argument("--dest", type=Path, default=ROOT / "dist", help="where the wheel goes")
    arguments = parser.parse_args()
    try:
        wheel = build(arguments.dest)
    except (DownloadError, BuildError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, DownloadError) else 1
    print(wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
