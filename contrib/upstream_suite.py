# SPDX-License-Identifier: Apache-2.0
"""Runs Apache Libcloud's own tests on this library.

Downloads the source distribution of Apache Libcloud 3.9.1 with pip, checks its hash, and unpacks a
selection of its tests beside this library's package into a scratch directory; nothing of it is kept
in the repository. The tests run twice: with the helpers they came with (``libcloud.test`` of Apache
Libcloud, which patches ``requests``), and with this library's.

Exits with 1 when a test fails that ``upstream_exceptions.py`` does not list, when a listed one
passes, or when the number of tests is not the expected one; with 2 when the download is wrong.

    python contrib/upstream_suite.py [--helpers upstream|ours|both] [-k EXPRESSION] [--keep]
                                     [--baseline]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from upstream_exceptions import EXCEPTIONS
from upstream_layout import TESTS, DownloadError, fetch, lay_out

#: Tests of the selection that run; Apache Libcloud 3.9.1 passes all of them, with either helpers.
EXPECTED = 654
#: Tests of the selection that skip themselves, whatever they run on.
EXPECTED_SKIPPED = 9
#: Opens a connection to an address outside of this machine.
NEEDS_NETWORK = "test_connection.py::BaseConnectionClassTestCase::test_connection_timeout_raised"

#: Seconds for one run; it takes about twenty. A test that waits for ever must not hold up the rest.
RUN_TIMEOUT = 900
#: Seconds for one test, after which the stacks of all threads are printed and the run ends.
TEST_TIMEOUT = 120


@dataclass
class Result:
    """What came of one run; the texts of the failures are kept by test id."""

    helpers: str
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


def pytest_command(report: Path, expression: str | None) -> list[str]:
    """How pytest is called."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", f"--junitxml={report}"]
    command += ["-o", f"faulthandler_timeout={TEST_TIMEOUT}"]
    command += ["-o", "faulthandler_exit_on_timeout=true"]
    command += ["--deselect", f"libcloud/test/{NEEDS_NETWORK}"]
    command += ["-k", expression] if expression else []
    return command + [f"libcloud/test/{name}" for name in TESTS]


def run(scratch: Path, helpers: str, expression: str | None) -> Result:
    """Run the tests laid out in ``scratch``.

    :raises SystemExit: pytest came to no end, or crashed; what it said is printed.
    """
    report = scratch / "report.xml"
    log = scratch / "output.txt"
    trouble = "pytest left no report"
    with log.open("wb") as output:
        try:
            subprocess.run(
                pytest_command(report, expression),
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
    return read_report(report, helpers)


def read_report(path: Path, helpers: str) -> Result:
    """The outcome of each test from pytest's JUnit report."""
    result = Result(helpers)
    for case in ElementTree.parse(path).iter("testcase"):
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        test = name.removeprefix("libcloud.test.")
        trouble = next((node for node in case if node.tag in {"failure", "error"}), None)
        if trouble is not None:
            result.failed[test] = (trouble.get("message") or "").strip()
            result.passed.discard(test)
        elif case.find("skipped") is not None:
            result.skipped.add(test)
        elif test not in result.failed:
            result.passed.add(test)
    return result


def reason(helpers: str, test: str) -> str | None:
    """Why ``test`` may fail; ``None`` when it must not."""
    return EXCEPTIONS.get(f"{helpers}:{test}", EXCEPTIONS.get(f"*:{test}"))


def complaints(result: Result, *, whole: bool, baseline: bool) -> list[str]:
    """What is wrong with a result, one line each; nothing when all is as it should be.

    :param whole: the whole selection ran, so its size and the unused exceptions count.
    """

    def listed(test: str) -> str | None:
        return None if baseline else reason(result.helpers, test)

    found = [
        f"fails, and is not listed: {test}: {' '.join(text.split())[:300]}"
        for test, text in sorted(result.failed.items())
        if not listed(test)
    ]
    found += [f"passes, but is listed: {test}" for test in sorted(result.passed) if listed(test)]
    if whole and (result.ran, len(result.skipped)) != (EXPECTED, EXPECTED_SKIPPED):
        found.append(
            f"{result.ran} tests ran and {len(result.skipped)} were skipped, "
            f"{EXPECTED} and {EXPECTED_SKIPPED} expected"
        )
    if whole and not baseline:
        known = {*result.passed, *result.failed, *result.skipped}
        for key in EXCEPTIONS:
            helpers, _, test = key.partition(":")
            if helpers in {"*", result.helpers} and test not in known:
                found.append(f"is listed, but there is no such test: {test}")
    return found


def print_result(result: Result, *, baseline: bool) -> None:
    """The table's line for one run, and the listed exceptions with their reasons."""
    listed = {} if baseline else {test: reason(result.helpers, test) for test in result.failed}
    listed = {test: text for test, text in listed.items() if text}
    print(f"{result.helpers:<10}{len(result.passed):>8}{len(result.failed):>8}{len(listed):>8}")
    for test, text in sorted(listed.items()):
        print(f"    listed: {test}: {text}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run Apache Libcloud's tests on this library.")
    parser.add_argument("--helpers", choices=("upstream", "ours", "both"), default="both")
    parser.add_argument("-k", dest="expression", help="run only these tests (see pytest -k)")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directories")
    parser.add_argument(
        "--baseline", action="store_true", help="run them on Apache Libcloud itself, to compare"
    )
    return parser.parse_args()


def main() -> int:
    """Run the suite; the exit status."""
    arguments = parse_arguments()
    chosen = ("upstream", "ours") if arguments.helpers == "both" else (arguments.helpers,)
    baseline: bool = arguments.baseline
    try:
        fetch()
    except DownloadError as error:
        print(error, file=sys.stderr)
        return 2
    wrong: list[str] = []
    print(f"{'helpers':<10}{'passed':>8}{'failed':>8}{'listed':>8}", flush=True)
    for helpers in chosen:
        scratch = Path(tempfile.mkdtemp(prefix=f"upstream-{helpers}-"))
        try:
            lay_out(scratch, helpers, baseline=baseline)
            result = run(scratch, helpers, arguments.expression)
        finally:
            if arguments.keep:
                print(f"kept: {scratch}")
            else:
                shutil.rmtree(scratch)
        print_result(result, baseline=baseline)
        found = complaints(result, whole=not arguments.expression, baseline=baseline)
        wrong += [f"{helpers} helpers: {line}" for line in found]
    if wrong:
        print(*wrong, sep="\n", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
