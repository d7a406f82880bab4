# SPDX-License-Identifier: Apache-2.0
"""The source distribution of Apache Libcloud: downloaded by pip, checked by its hash, cached.

It is kept in ``.cache``; nothing of it is kept in the repository.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "upstream"
VERSION = "3.9.1"
SDIST = f"apache_libcloud-{VERSION}.tar.gz"
SHA256 = "b65eaa5ac32b28a0f9555e6a223dba39e73b99b682cd849624587ce7bc251661"


class DownloadError(Exception):
    """The source distribution cannot be downloaded, is another one, or cannot be used."""


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch() -> Path:
    """The source distribution, from the cache or else downloaded; its hash is right.

    :raises DownloadError: pip failed, what it downloaded has another hash, or Apache Libcloud does
        not support this Python. The cache is unchanged.
    """
    kept = CACHE / SDIST
    if not (kept.exists() and sha256(kept) == SHA256):
        _download(kept)
    _check_python(text_of(kept, "PKG-INFO"))
    return kept


def _download(kept: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        requirements = Path(directory) / "requirements.txt"
        requirements.write_text(f"apache-libcloud=={VERSION} --hash=sha256:{SHA256}\n")
        command = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps"]
        command += ["--no-binary", "apache-libcloud", "--require-hashes"]
        command += ["--dest", directory, "--requirement", str(requirements)]
        if subprocess.run(command, check=False).returncode:
            raise DownloadError(
                f"pip could not download {SDIST} (its message is above), and {CACHE} has no copy "
                f"with SHA-256 {SHA256}. Nothing was built. Connect to a package index, or put the "
                "file there."
            )
        found = Path(directory) / SDIST
        if not found.exists() or sha256(found) != SHA256:
            raise DownloadError(f"what pip downloaded is not {SDIST} with SHA-256 {SHA256}")
        found.replace(kept)


def _check_python(metadata: str) -> None:
    """Compare ``Requires-Python``, which is a lower bound, with the running Python."""
    required = re.search(r"^Requires-Python: *>= *(\d+)\.(\d+)", metadata, re.MULTILINE)
    if required is not None and sys.version_info < (int(required[1]), int(required[2])):
        raise DownloadError(
            f"Apache Libcloud {VERSION} needs Python {required[1]}.{required[2]} or newer, and "
            f"this is {sys.version.split()[0]}. Nothing was built."
        )


def text_of(sdist: Path, name: str) -> str:
    """A text file at the top of the source distribution."""
    with tarfile.open(sdist) as archive:
        source = archive.extractfile(f"apache_libcloud-{VERSION}/{name}")
        assert source is not None
        return source.read().decode("utf-8")


def members(archive: tarfile.TarFile, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Path below ``libcloud/`` and content of each regular file whose path is ``wanted``."""
    for member in archive:
        _, _, path = member.name.partition("/libcloud/")
        if member.isfile() and path and ".." not in path.split("/") and wanted(path):
            source = archive.extractfile(member)
            assert source is not None
            yield path, source.read()
