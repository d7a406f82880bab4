# SPDX-License-Identifier: Apache-2.0
"""Transfers many objects at a time, in the worker pool of their driver.

Each transfer runs in one thread from start to finish. The main thread hands out the tasks, reports
failures and receives signals. When it has to stop, the running transfers are cancelled, which
aborts their uploads, and it waits for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from libcloud.cli.failures import Failures
from libcloud.cli.progress import print_stderr
from libcloud.cli.text import count
from libcloud.storage.base import StorageDriver
from libcloud.utils import cancellation

_Item = TypeVar("_Item")


def run_tasks(
    driver: StorageDriver,
    task: Callable[[_Item], object],
    items: Iterable[_Item],
    failures: Failures,
    *,
    jobs: int | None,
    done: Callable[[_Item], object] | None = None,
) -> None:
    """Call ``task``, which transfers one object, for each of ``items``; report those that fail.

    :param jobs: how many run at once at most; ``None``: as many as the worker pool allows; 1
        runs them in the calling thread.
    :param done: called in the calling thread with each item that was transferred.
    :raises BaseException: a signal, or an error that affects all items. The running transfers
        have ended by then.
    """
    finished = 0
    results: Any = driver._pool.map(
        partial(_run, task), items, ordered=False, fail_fast=False, jobs=jobs, grace=None
    )
    try:
        with contextlib.closing(results):
            for result in results:
                with failures.collect():
                    if result.error is not None:
                        raise result.error
                if result.error is None:
                    finished += 1
                    if done is not None:
                        done(result.item)
    except KeyboardInterrupt:
        if jobs != 1:
            text = count(finished, "object")
            print_stderr(f"libcloud: {text} finished; running transfers were discarded")
        raise


def _run(task: Callable[[_Item], object], item: _Item) -> None:
    try:
        task(item)
    except Exception as error:
        note = getattr(error, "cli_note", None)
        if note and cancellation.is_cancelled():  # the result is no longer needed
            print_stderr(note)
        raise
