# SPDX-License-Identifier: Apache-2.0
"""The output of ``.ci/run``, and of the planted bugs, ends with what failed."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from libcloud.test.storage.fakes.azurite import find_azurite
from libcloud.test.storage.fakes.servers import MissingServerError

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".ci" / "run"
# What it would install otherwise.
INSTALLED = ("java", "swift-proxy-server", "memcached", "npm", "node")

FAILED = """\
lint: install_deps> python -I -m pip install ruff
lint: commands[0]> ruff check .
All checks passed!
lint: commands[1]> mypy
libcloud/a.py:7: error: Name "x" is not defined  [name-defined]
lint: exit 1 (0.52 seconds) /tree> mypy pid=1
lint: FAIL \u2716 in 1 second
mutants: commands[0]> python contrib/mutants.py
SURVIVED   a part too many
NOT CAUGHT a part too many: SURVIVED, test_plan.py::test_parts
1 of 2 planted bugs caught
mutants: exit 1 (267.30 seconds) /tree> python contrib/mutants.py pid=1
py310: commands[0]> pytest --timeout 600
=========================== short test summary info ============================
FAILED libcloud/test/test_a.py::test_one[x y] - AssertionError: assert 1 == 2
================== 1 failed, 811 passed in 60.00s (0:01:00) ====================
py310: exit 1 (61.00 seconds) /tree> pytest --timeout 600 pid=1
py: commands[0] /tree/.tox> pytest --timeout 600
=========================== short test summary info ============================
FAILED libcloud/test/test_a.py::test_one[x y] - AssertionError: assert 1 == 2
ERROR libcloud/test/test_b.py::test_two - OSError: no space
================ 1 failed, 811 passed, 1 error in 61.00s (0:01:01) ============
py: exit 1 (61.00 seconds) /tree> pytest --timeout 600 pid=1
  py: FAIL code 1 (62.00 seconds)
  evaluation failed :( (123.00 seconds)
"""
END = """
lint: libcloud/a.py:7: error: Name "x" is not defined  [name-defined]
mutants: NOT CAUGHT a part too many: SURVIVED, test_plan.py::test_parts
py310,py: FAILED libcloud/test/test_a.py::test_one[x y] - AssertionError: assert 1 == 2
py: ERROR libcloud/test/test_b.py::test_two - OSError: no space
================ 1 failed, 811 passed, 1 error in 61.00s (0:01:01) ============
"""
PASSED = """\
py: commands[0]> pytest --timeout 600
XFAIL libcloud/test/test_a.py::test_one
ERROR is the first word of what a test wrote
======================= 812 passed in 61.00s (0:01:01) =========================
"""


def end_of_run(folder: Path, log: str, status: int, make: str = "cat log") -> str:
    """What ``.ci/run`` prints after the output of ``make``, which is ``log``."""
    programs = folder / "programs"
    programs.mkdir()
    (folder / ".ci").mkdir()
    shutil.copy(RUN, folder / ".ci")
    (folder / "log").write_text(log, encoding="utf-8")
    scripts = dict.fromkeys(INSTALLED, "") | {"make": f"{make}; exit {status}"}
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LIBCLOUD_TEST_CACHE": str(folder / "cache"),
    }
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=folder, env=environment, capture_output=True, timeout=60
    )
    output = done.stdout.decode()
    assert (done.returncode, output[: len(log)]) == (status, log)
    return output[len(log) :]


@pytest.mark.source
def test_what_failed_in_each_environment_is_named_at_the_end(tmp_path: Path) -> None:
    assert end_of_run(tmp_path, FAILED, 2) == END


@pytest.mark.source
def test_many_failures_are_counted(tmp_path: Path) -> None:
    many = "".join(f"FAILED libcloud/test/test_a.py::test_{n}\n" for n in range(40))
    lines = end_of_run(tmp_path, f"py: commands[0]> pytest\n{many}", 2).splitlines()
    assert lines[15:] == [
        "py: FAILED libcloud/test/test_a.py::test_14",
        "and 25 more",
        "no tests were run: see above for what stopped them",
    ]


@pytest.mark.source
def test_the_end_of_a_success_is_its_summary(tmp_path: Path) -> None:
    assert end_of_run(tmp_path, PASSED, 0) == "\n" + PASSED.splitlines()[-1] + "\n"


@pytest.mark.source
def test_the_environments_can_wait_for_what_is_being_installed(tmp_path: Path) -> None:
    script = 'flock "$LIBCLOUD_TEST_INSTALLING" cat log; exit 0 #'
    assert end_of_run(tmp_path, PASSED, 0, script) == "\n" + PASSED.splitlines()[-1] + "\n"
    settings = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert settings.count("commands_pre = {[testenv]installed}") == 2


@pytest.mark.source
def test_planted_bugs_that_were_not_caught_are_named_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    mutants: Any = importlib.import_module("mutants")
    bug = mutants.Mutant(
        "a bug", "libcloud/a.py", "old", "new", ("libcloud/test/test_a.py",), "test_b"
    )
    outcomes = [(1, (("test_b", 0.1),)), (0, ()), (None, ()), (5, ())]
    verdicts = [mutants._verdict(bug, mutants.Outcome(*outcome, "...")) for outcome in outcomes]
    assert mutants._report(verdicts) == 1
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "NOT CAUGHT a bug: SURVIVED, test_a.py::test_b",
        "NOT CAUGHT a bug: NOT RUN, no status of pytest",
        "NOT CAUGHT a bug: NOT RUN, status 5 of pytest",
        "1 of 4 planted bugs caught",
    ]


@pytest.mark.source
def test_each_planted_bug_has_its_place_and_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that who moves code or renames a test sees it without a run of all planted bugs."""
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    bugs: Any = importlib.import_module("mutant_list").MUTANTS
    text = functools.cache(lambda path: (ROOT / path).read_text(encoding="utf-8"))
    places = [bug.name for bug in bugs if text(bug.path).count(bug.old) != 1]
    selected = {name.partition("[")[0] for bug in bugs for name in bug.selected}
    parts = [name.partition("::") for name in selected]
    tests = [name for file, _, name in parts if name and f"def {name}(" not in text(file)]
    assert (places, tests) == ([], [])


@pytest.mark.source
def test_the_code_of_one_function_is_exchanged_and_that_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "planted_in.py"
    old = "both = (lambda: 1, lambda: 2)\ndef three(default=4):\n    return 3\n"
    path.write_text(old)
    planted_in: Any = importlib.import_module("planted_in")
    functions = importlib.import_module("mutant_code").Functions(tmp_path)
    assert not functions.exchange(path, old, old.replace("=4", "=5"))
    assert functions.exchange(path, old, old.replace("return 3", "return 33"))
    gc.unfreeze()
    assert [each() for each in (*planted_in.both, planted_in.three)] == [1, 2, 33]


def test_an_installation_that_fails_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in {"node": "", "npm": f"echo >>{tmp_path}/calls; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("LIBCLOUD_TEST_CACHE", str(tmp_path))
    for run in ("1", "1", "2"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        with pytest.raises(MissingServerError, match="npm did not install azurite"):
            find_azurite()
    assert (tmp_path / "calls").read_text() == "\n" * 2
