# SPDX-License-Identifier: Apache-2.0
"""Uploads that no engine may publish, and what their errors say."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from unittest import mock

from libcloud import __version__
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.scaleout.worker import PartTask
from libcloud.storage.types import WorkerError
from libcloud.test.engines.pieces import MIB
from libcloud.test.engines.store import BUCKET, Store


@dataclass(frozen=True, slots=True)
class BadInput:
    """The second of two pieces, and what is wrong.

    :param error: a pattern.
    :param size: that is announced, bytes.
    :param version: of the library in the coordinator.
    :param credentials: workers find them.
    """

    piece: Callable[[], object]
    error: str
    size: int = 1
    version: str = __version__
    credentials: bool = True


_WORKER = r"\(piece 1\) could not be sent by the worker \S+:\d+: "
_GOOD = partial(bytes, 1)
BAD_INPUT = {
    "text": BadInput(partial(str, 7), _WORKER + "TypeError: piece 1 must be bytes, not str"),
    "error": BadInput(partial(int, "x"), _WORKER + "ValueError: invalid literal"),
    "short": BadInput(partial(bytes, 3), _WORKER + ".*3 bytes, and 4 were announced", size=4),
    "long": BadInput(partial(bytes, 5), _WORKER + ".*5 bytes, and 4 were announced", size=4),
    "not picklable": BadInput(partial(bytes, Lock()), r"(?s)\(piece 1\).*(pickle|serializ)"),
    "version": BadInput(_GOOD, "the worker .* it has .*, and this program has 0.0", version="0.0"),
    "no credentials": BadInput(_GOOD, "the worker .*CredentialsNotFoundError", credentials=False),
}


# What a worker has instead of the coordinator's library: a line of ``sitecustomize.py``, the error.
LIBRARIES = {
    "none": ("sys.modules['libcloud'] = None", "No module named 'libcloud"),
    "another": (
        "import libcloud; libcloud.__version__ = '0.0'",
        r"worker \S+:\d+: .*it has libcloud-storage 0\.0, and this program has .*"
        "install the same release everywhere",
    ),
}


def python_path(folder: Path, library: str, condition: str = "True") -> str:
    """A value of ``PYTHONPATH`` for workers that have one of ``LIBRARIES``.

    :param condition: only in processes of which it is true.
    """
    line = f"import os, sys\nif {condition}:\n    {LIBRARIES[library][0]}\n"
    (folder / "sitecustomize.py").write_text(line, encoding="utf-8")
    return os.pathsep.join([str(folder), *sys.path])


def error_of(executor: Any, case: str) -> str:
    """The text of the error of an upload, which must fail; it was aborted."""
    bad = BAD_INPUT[case]
    # Workers keep drivers by their settings: of the other region, none has one.
    region = None if bad.credentials else "eu-west-1"
    driver: Any = S3StorageDriver.from_env(region=region)
    container = driver.get_container(BUCKET)
    defaults = (*PartTask._field_defaults.values(),)[:-1]
    with (
        mock.patch.object(PartTask.__new__, "__defaults__", (*defaults, bad.version)),
        contextlib.nullcontext() if bad.credentials else _hidden_credentials(),
    ):
        try:
            driver.ex_upload_with(
                executor,
                [partial(bytes, 5 * MIB), bad.piece],
                container,
                "big.bin",
                sizes=[5 * MIB, bad.size],
                ex_on_failure="abort",
            )
        except WorkerError as error:
            return str(error)
    raise AssertionError("it was published")


def check_error(case: str, text: str) -> None:
    """It says which worker and piece."""
    assert re.search(BAD_INPUT[case].error, text), text
    assert "Nothing was published" in text


def check_refused(executor: Any, case: str, store: Store) -> None:
    """Upload; the error tells why, and nothing is published or left."""
    check_error(case, error_of(executor, case))
    assert not store.objects
    store.check_clean()


@contextlib.contextmanager
def _hidden_credentials() -> Iterator[None]:
    path = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    moved = path.rename(path.with_name("moved"))
    try:
        yield
    finally:
        moved.rename(path)
