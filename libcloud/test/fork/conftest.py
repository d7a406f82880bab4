# SPDX-License-Identifier: Apache-2.0
"""Fresh environments, and the wheels to install in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from libcloud.test._helpers import environment_for_downloads

ROOT = Path(__file__).resolve().parents[3]
CONTRIB = ROOT / "contrib"
SMALL = CONTRIB / "apache-libcloud"

#: An environment of its own: nothing of the one that runs the tests is found.
CLEAN = {
    name: value
    for name, value in environment_for_downloads().items()
    if not name.startswith("PYTHON")
}

#: Files are compiled when they are imported: of the complete build, those are few.
QUICK = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1"}

Result = subprocess.CompletedProcess[str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the builds, which install many packages, to CI and to ``make test ENVS=upstream``."""
    if os.environ.get("LIBCLOUD_TEST_BUILDS") == "library":
        reason = "left to CI and to `make test ENVS=upstream`"
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


def run(*command: str | Path, **environment: str) -> Result:
    """Run a command away from the sources; what it printed is in the result."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT.parent,
        env={**CLEAN, **QUICK, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


@dataclass(frozen=True)
class Environment:
    """A virtual environment, filled by pip or by uv."""

    directory: Path
    installer: str

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def install(self, *arguments: str | Path) -> Result:
        """Install; the result tells whether that succeeded."""
        if self.installer == "uv":
            return run("uv", "pip", "install", "--python", self.python, *arguments)
        return run(self.python, "-m", "pip", "install", *arguments)

    def installed(self, *arguments: str | Path) -> str:
        """Install, successfully; what was printed."""
        result = self.install(*arguments)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def uninstalled(self, *names: str) -> None:
        """Uninstall, successfully."""
        if self.installer == "uv":
            result = run("uv", "pip", "uninstall", "--python", self.python, *names)
        else:
            result = run(self.python, "-m", "pip", "uninstall", "--yes", *names)
        assert result.returncode == 0, result.stdout

    def check(self) -> None:
        """Assert that no requirement is missing or contradicted."""
        if self.installer == "uv":
            result = run("uv", "pip", "check", "--python", self.python)
        else:
            result = run(self.python, "-m", "pip", "check")
        assert result.returncode == 0, result.stdout

    def evaluate(self, statements: str, expression: str) -> Any:
        """The value of an expression in the environment, by way of JSON."""
        code = f"import json\n{statements}\nprint(json.dumps({expression}))"
        result = run(self.python, "-c", code)
        assert result.returncode == 0, result.stdout
        return json.loads(result.stdout.splitlines()[-1])

    def versions(self) -> dict[str, str]:
        """Versions of what is called after libcloud, by name."""
        found: dict[str, str] = self.evaluate(
            "from importlib import metadata",
            "{d.metadata['Name']: d.version for d in metadata.distributions()"
            " if 'libcloud' in d.metadata['Name'].lower()}",
        )
        return found


def create(directory: Path, installer: str) -> Environment:
    """A fresh virtual environment, for ``pip`` or ``uv``."""
    if installer == "uv" and shutil.which("uv") is None:
        pytest.fail("uv is not installed: make test ENVS=upstream installs it")
    result = run(sys.executable, "-m", "venv", directory)
    assert result.returncode == 0, result.stdout
    return Environment(directory, installer)


@pytest.fixture
def new_environment(tmp_path: Path) -> Callable[[str], Environment]:
    """Makes a fresh virtual environment."""
    return lambda installer: create(tmp_path / "environment", installer)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this library.

    It is built from a copy, because a build writes in its source tree.
    """
    source = tmp_path_factory.mktemp("source") / "libcloud"
    results = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=results)
    return build(tmp_path_factory.mktemp("library"), "-m", "pip", "wheel", "--no-deps", source)


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the complete build."""
    return build(tmp_path_factory.mktemp("complete"), "-m", "fork")


def build(directory: Path, *arguments: str | Path) -> Path:
    """The wheel that a command of Python builds in ``directory``."""
    option = "--dest" if "fork" in arguments else "--wheel-dir"
    result = run(sys.executable, *arguments, option, directory, PYTHONPATH=str(CONTRIB))
    assert result.returncode == 0, result.stdout
    (wheel,) = directory.glob("*.whl")
    return wheel
