# SPDX-License-Identifier: Apache-2.0
"""Transfers many objects at a time, in the worker pool of their driver.

Each transfer runs in one thread from start to finish. The main thread hands out the tasks, reports
failures and receives signals. When it has to stop, the running transfers are cancelled, which
aborts their uploads, and it waits for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from libcloud.cli.failures import Failures
from libcloud.cli.progress import print_stderr
from libcloud.cli.text import count
from libcloud.storage.base import StorageDriver
from libcloud.utils import cancellation

Task = Callable[[], object]


def run_tasks(
    driver: StorageDriver, tasks: Iterable[Task], failures: Failures, *, jobs: int | None
) -> None:
    """Run ``tasks``, each of which transfers one object; report and count those that fail.

    :param jobs: how many run at once at most; ``None``: as many as the worker pool allows; 1
        runs them in the calling thread.
    :raises BaseException: a signal, or an error that affects all tasks. The running transfers
        have ended by then.
    """
    finished = 0
    results: Any = driver._pool.map(
        _run, tasks, ordered=False, fail_fast=False, jobs=jobs, grace=None
    )
    try:
        with contextlib.closing(results):
            for result in results:
                with failures.collect():
                    if result.error is not None:
                        raise result.error
                    finished += 1
    except KeyboardInterrupt:
        if jobs != 1:
            text = count(finished, "object")
            print_stderr(f"libcloud: {text} finished; running transfers were discarded")
        raise


def _run(task: Task) -> None:
    try:
        task()
    except Exception as error:
        note = getattr(error, "cli_note", None)
        if note and cancellation.is_cancelled():  # the result is no longer needed
            print_stderr(note)
        raise
