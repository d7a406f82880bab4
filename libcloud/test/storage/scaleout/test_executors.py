# SPDX-License-Identifier: Apache-2.0
"""Which executor a text describes, without any engine: those are tested in ``test/engines``."""

from __future__ import annotations

import sys
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from libcloud.storage.scaleout.executors import executor_for, workers_of
from libcloud.storage.scaleout.futures import collect_sizes, piece_size, text_of_engine
from libcloud.storage.scaleout.worker import PartTask, send_part
from libcloud.storage.types import WorkerError


def test_an_executor_is_used_as_it_is() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert executor_for(pool) is pool
        assert workers_of(pool) == 3


@pytest.mark.parametrize(
    ("name", "kind"), [("threads", ThreadPoolExecutor), ("processes", ProcessPoolExecutor)]
)
def test_a_pool_of_the_standard_library_is_made_by_its_name(name: str, kind: type) -> None:
    with executor_for(name, 2) as executor:
        assert type(executor) is kind
        assert workers_of(executor) == 2


def test_processes_are_not_forked_from_a_program_with_threads() -> None:
    with executor_for("processes", 1) as executor:
        assert vars(executor)["_mp_context"].get_start_method() == "spawn"


@pytest.mark.parametrize(
    "target",
    ["", "slurm", "dask", "dask://", "mpi://host:1", "dask://host:1/path", "http://host:1", "Dask"],
)
def test_a_text_that_describes_no_executor_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="dask://HOST:PORT"):
        executor_for(target)


@pytest.mark.parametrize("target", [None, 4, b"threads", object()])
def test_an_unsupported_value_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match="not an executor"):
        executor_for(target)


@pytest.mark.parametrize(
    ("target", "module", "extra"),
    [
        ("dask://127.0.0.1:1", "distributed", "dask"),
        ("ray", "ray", "ray"),
        ("mpi", "mpi4py", "mpi"),
        ("loky", "loky", "loky"),
    ],
)
def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    target: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (f"libcloud.storage.scaleout.{extra}", "dask", f"{module}.futures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'libcloud-storage\[{extra}\]'"):
        executor_for(target)


def test_an_executor_of_unknown_size_has_as_many_workers_as_cores() -> None:
    assert workers_of(object()) >= 1


def test_a_task_of_another_version_of_the_library_is_refused() -> None:
    result = send_part(PartTask("", 1, (), (), version="0.0"))
    assert result.receipt is None
    assert "this program has 0.0" in result.error


def test_a_held_piece_that_could_not_be_made_is_named() -> None:
    with pytest.raises(WorkerError, match="piece 1 could not be made: ValueError") as caught:
        collect_sizes([lambda: 1, partial(int, "x")])
    assert caught.value.pieces == (1,)


def test_a_held_piece_that_is_not_bytes_is_named() -> None:
    with pytest.raises(TypeError, match="piece 1 is not bytes, but str"):
        collect_sizes([partial(piece_size, b"x"), partial(piece_size, "text")])


@pytest.mark.parametrize("module", ["libcloud", "libcloud.storage.scaleout"])
def test_a_worker_without_the_library_is_a_distinct_error(module: str) -> None:
    error = RuntimeError(f"ModuleNotFoundError: No module named '{module}'")
    assert "lacks libcloud-storage: install" in text_of_engine(error)
    assert "libcloud" not in text_of_engine(ModuleNotFoundError("No module named 'numpy'"))


def test_a_broken_pool_may_lack_the_library() -> None:
    text = text_of_engine(BrokenExecutor("A child process terminated."))
    assert "a worker was killed, or lacks" in text
    assert "libcloud-storage" in text
