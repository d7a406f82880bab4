# SPDX-License-Identifier: Apache-2.0
"""Azurite, Microsoft's emulator of Azure Storage, started for a test.

It is a package of npm, which is installed once into a cache directory:
``LIBCLOUD_TEST_CACHE``, or ``~/.cache/libcloud-storage-tests``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from libcloud.test._helpers import environment_for_downloads
from libcloud.test.storage.fakes.server import HOST
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    MissingServerError,
    _folder,
    _running,
    reserved_ports,
)

VERSION = "3.37.0"

# The account that Microsoft documents: Microsoft Learn, "Use the Azurite emulator".
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_INSTALL_SECONDS = 600


def find_azurite() -> tuple[str, str]:
    """Paths of ``node`` and of Azurite's blob service, which is installed if it is not there.

    :raises MissingServerError: there is no node or no npm, or npm cannot install it.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingServerError("node and npm are not installed: Azurite needs them")
    default = Path.home() / ".cache" / "libcloud-storage-tests"
    cache = Path(os.environ.get("LIBCLOUD_TEST_CACHE") or default)
    folder = cache / f"azurite-{VERSION}"
    main = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                _install_once(npm, folder)
                done.touch()
    return node, str(main)


def _install_once(npm: str, folder: Path) -> None:
    """Install it, unless that has failed in this run of the tests: npm waits long for a network."""
    run, failed = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid()), folder / "failed"
    if failed.exists() and failed.read_text() == run:
        raise MissingServerError("npm did not install azurite, as the first test with it reports")
    try:
        _install(npm, folder)
    except MissingServerError:
        failed.write_text(run)
        raise


def _install(npm: str, folder: Path) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    command += [str(folder), f"azurite@{VERSION}"]
    try:
        made = subprocess.run(
            command,
            cwd=folder,
            env=environment_for_downloads(),
            capture_output=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MissingServerError("npm did not install azurite in time") from error
    if made.returncode:
        raise MissingServerError(f"npm did not install azurite: {made.stderr[-2000:].decode()}")


@contextlib.contextmanager
def azurite_server(*, in_memory: bool = True) -> Iterator[Endpoint]:
    """Azurite's blob service on loopback.

    :param in_memory: keep the data in memory; otherwise in a temporary folder.
    """
    node, main = find_azurite()
    with _folder("azurite-") as folder, reserved_ports(1) as [port]:
        command = [node, main, "--blobHost", HOST, "--blobPort", str(port)]
        command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        command += ["--inMemoryPersistence"] if in_memory else ["--location", str(folder)]
        with _running("azurite", command, port, home=folder):
            yield Endpoint("azurite", HOST, port, key=ACCOUNT, secret=KEY)
