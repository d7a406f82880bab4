# SPDX-License-Identifier: Apache-2.0
"""Runs Apache Libcloud's own tests on this library, and on the complete build.

Downloads the source distribution of Apache Libcloud 3.9.1 with pip, checks its hash, and unpacks
it into scratch directories; nothing of it is kept in the repository. There are three runs:

``upstream`` and ``ours``
    The tests of storage, connections, HTTP, AWS and Google, on this library alone: with the helpers
    they came with (``libcloud.test`` of Apache Libcloud, which patches ``requests``), and with this
    library's.
``complete``
    All tests, on the complete build (``contrib/fork/``), in parallel.

Exits with 1 when a test fails that ``upstream_exceptions.py`` does not list, when a listed one
passes, or when the number of tests is not the expected one; with 2 when the download is wrong.

    python contrib/upstream_suite.py [--only upstream|ours|complete] [-k EXPRESSION] [--keep]
                                     [--baseline]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from upstream_exceptions import EXCEPTIONS
from upstream_layout import TESTS, DownloadError, fetch, lay_out, lay_out_complete

#: Tests that run, and those that skip themselves whatever they run on. Apache Libcloud 3.9.1 passes
#: all that run, with either helpers.
EXPECTED = {"upstream": (788, 9), "ours": (788, 9), "complete": (8169, 17)}
#: Measures speed, by a plugin of pytest.
BENCHMARKS = "libcloud/test/benchmarks"
#: Opens a connection to an address outside of this machine.
NEEDS_NETWORK = "test_connection.py::BaseConnectionClassTestCase::test_connection_timeout_raised"

#: Seconds for one run; the selection takes about twenty, and all tests three minutes on two cores.
#: A test that never ends must not hold up the rest.
RUN_TIMEOUT = 1500
#: Seconds for one test, after which the stacks of all threads are printed and the run ends.
TEST_TIMEOUT = 120


@dataclass
class Result:
    """What came of one run; the texts of the failures are kept by test id."""

    name: str
    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    @property
    def ran(self) -> int:
        return len(self.passed) + len(self.failed)


def environment(scratch: Path) -> dict[str, str]:
    """The environment of the run: ``libcloud`` is found in ``scratch`` before anywhere else."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LIBCLOUD_", "PYTEST_", "PYTHON"))
    }
    return {**kept, "PYTHONPATH": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}


def pytest_command(name: str, report: Path, options: Sequence[str]) -> list[str]:
    """How pytest is called for a run."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", f"--junitxml={report}"]
    command += ["-o", f"faulthandler_timeout={TEST_TIMEOUT}"]
    command += ["-o", "faulthandler_exit_on_timeout=true"]
    command += ["--deselect", f"libcloud/test/{NEEDS_NETWORK}", *options]
    if name != "complete":
        return command + [f"libcloud/test/{test}" for test in TESTS]
    # A file at a time: the tests of one may share a server. An option wins over the project's own.
    command += ["-n", "auto", "--dist", "loadfile", "--durations=0", "--durations-min=600"]
    return [*command, f"--ignore={BENCHMARKS}", "libcloud/test"]


def run(scratch: Path, name: str, options: Sequence[str]) -> Result:
    """Run the tests laid out in ``scratch``.

    :raises SystemExit: pytest came to no end, or crashed; what it said is printed.
    """
    report = scratch / "report.xml"
    log = scratch / "output.txt"
    trouble = "pytest left no report"
    with log.open("wb") as output:
        try:
            subprocess.run(
                pytest_command(name, report, options),
                cwd=scratch,
                env=environment(scratch),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=RUN_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            trouble = f"pytest came to no end in {RUN_TIMEOUT} seconds"
    if not report.exists():
        sys.stdout.write(log.read_text(errors="replace"))
        raise SystemExit(f"{trouble}; its output is above")
    return read_report(report, name)


def read_report(path: Path, name: str) -> Result:
    """The outcome of each test from pytest's JUnit report."""
    result = Result(name)
    for case in ElementTree.parse(path).iter("testcase"):
        full_name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        test = full_name.removeprefix("libcloud.test.")
        trouble = next((node for node in case if node.tag in {"failure", "error"}), None)
        if trouble is not None:
            result.failed[test] = (trouble.get("message") or "").strip()
            result.passed.discard(test)
        elif case.find("skipped") is not None:
            result.skipped.add(test)
        elif test not in result.failed:
            result.passed.add(test)
    return result


def reason(name: str, test: str) -> str | None:
    """Why ``test`` may fail in a run; ``None`` when it must not."""
    return EXCEPTIONS.get(f"{name}:{test}", EXCEPTIONS.get(f"*:{test}"))


def complaints(result: Result, *, whole: bool, baseline: bool) -> list[str]:
    """What is wrong with a result, one line each; nothing when all is as it should be.

    :param whole: the whole selection ran, so its size and the unused exceptions count.
    """

    def listed(test: str) -> str | None:
        return None if baseline else reason(result.name, test)

    found = [
        f"fails, and is not listed: {test}: {' '.join(text.split())[:300]}"
        for test, text in sorted(result.failed.items())
        if not listed(test)
    ]
    found += [f"passes, but is listed: {test}" for test in sorted(result.passed) if listed(test)]
    ran, skipped = EXPECTED[result.name]
    if whole and (result.ran, len(result.skipped)) != (ran, skipped):
        found.append(
            f"{result.ran} tests ran and {len(result.skipped)} were skipped, "
            f"{ran} and {skipped} expected"
        )
    if whole and not baseline:
        known = {*result.passed, *result.failed, *result.skipped}
        for key in EXCEPTIONS:
            run_name, _, test = key.partition(":")
            if run_name in {"*", result.name} and test not in known:
                found.append(f"is listed, but there is no such test: {test}")
    return found


def print_result(result: Result, *, seconds: float, baseline: bool) -> None:
    """The table's line for one run, and the listed exceptions with their reasons."""
    listed = {} if baseline else {test: reason(result.name, test) for test in result.failed}
    listed = {test: text for test, text in listed.items() if text}
    print(
        f"{result.name:<10}{len(result.passed):>8}{len(result.failed):>8}{len(listed):>8}{seconds:>9.0f}"
    )
    for test, text in sorted(listed.items()):
        print(f"    listed: {test}: {text}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run Apache Libcloud's tests on this library.")
    parser.add_argument("--only", choices=tuple(EXPECTED), help="one run, in place of all")
    parser.add_argument("-k", dest="expression", help="run only these tests (see pytest -k)")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directories")
    parser.add_argument(
        "--baseline", action="store_true", help="run them on Apache Libcloud itself, to compare"
    )
    return parser.parse_args()


def chosen_runs(only: str | None) -> tuple[str, ...]:
    """The runs to make: a plain ``make test`` leaves the complete build to CI and to ``tox``."""
    if only:
        return (only,)
    if os.environ.get("LIBCLOUD_TEST_BUILDS") != "library":
        return tuple(EXPECTED)
    print("complete: left to CI and to `make test ENVS=upstream`", flush=True)
    return tuple(name for name in EXPECTED if name != "complete")


def lay_out_and_run(name: str, arguments: argparse.Namespace) -> Result:
    """One of the runs, in a scratch directory of its own."""
    scratch = Path(tempfile.mkdtemp(prefix=f"upstream-{name}-"))
    options = ["-k", arguments.expression] if arguments.expression else []
    try:
        if name == "complete":
            lay_out_complete(scratch, "upstream", baseline=arguments.baseline)
        else:
            lay_out(scratch, name, baseline=arguments.baseline)
        return run(scratch, name, options)
    finally:
        if arguments.keep:
            print(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch)


def main() -> int:
    """Run the suite; the exit status."""
    arguments = parse_arguments()
    baseline: bool = arguments.baseline
    try:
        fetch()
    except DownloadError as error:
        print(error, file=sys.stderr)
        return 2
    wrong: list[str] = []
    print(f"{'run':<10}{'passed':>8}{'failed':>8}{'listed':>8}{'seconds':>9}", flush=True)
    for name in chosen_runs(arguments.only):
        started = time.monotonic()
        result = lay_out_and_run(name, arguments)
        print_result(result, seconds=time.monotonic() - started, baseline=baseline)
        found = complaints(result, whole=not arguments.expression, baseline=baseline)
        wrong += [f"{name}: {line}" for line in found]
    if wrong:
        print(*wrong, sep="\n", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
