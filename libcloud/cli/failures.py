# SPDX-License-Identifier: Apache-2.0
"""Transfers many objects at a time, and reports those that fail or are interrupted."""

from __future__ import annotations

import contextlib
import itertools
import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from libcloud.cli.cores import OneCore
from libcloud.cli.errors import (
    FAILED,
    ReportedError,
    error_line,
    exit_status,
    on_error,
    set_subject,
)
from libcloud.cli.progress import print_stderr
from libcloud.cli.text import count, printable
from libcloud.common.types import InvalidCredsError
from libcloud.storage.scheduler import Elsewhere
from libcloud.storage.types import ContainerDoesNotExistError
from libcloud.utils import cancellation

if TYPE_CHECKING:
    from libcloud.cli.meter import Transfer
    from libcloud.storage.base import StorageDriver

_Item = TypeVar("_Item")

# Failures that are listed individually.
_LISTED = 100

# These would be raised for each of the other objects as well.
_AFFECTS_ALL = (InvalidCredsError, ContainerDoesNotExistError, click.UsageError)


class Failures:
    """Failures of single objects in a batch; that of a ``single`` one is raised."""

    def __init__(self, *, single: bool = False) -> None:
        self.count = 0
        self._single = single
        self._status = FAILED

    @contextlib.contextmanager
    def collect(self) -> Iterator[None]:
        """Report and count an error of the block, unless it affects the other objects as well."""
        try:
            yield
        except Exception as error:
            if cancellation.is_cancelled():  # Python ignores an interrupt that a finalizer gets
                raise KeyboardInterrupt from error
            if self._single or isinstance(error, _AFFECTS_ALL) or hasattr(error, "reason"):
                raise
            self.add(error)

    def add(self, error: Exception, url: object = None) -> None:
        self.count += 1
        self._status = exit_status(error)
        if self.count <= _LISTED:
            report(error, url)
        elif self.count == _LISTED + 1:
            print_stderr("libcloud: further errors are counted but not listed")

    def raise_if_any(self) -> None:
        if self.count:
            raise ReportedError(self._status if self.count == 1 else FAILED)


def note_unfinished_upload(
    error: BaseException, transfer: Transfer, url: object, resumable: bool = False
) -> None:
    """Report the parts that remain of a failed upload; if interrupted, what became of it."""
    aborted, upload_id = transfer.aborted, getattr(error, "upload_id", None)
    if aborted is not None and not aborted.cleaned:
        upload_id = upload_id or aborted.upload_id
    if upload_id:
        quoted = shlex.quote(upload_id)
        resume = f"Resume it: libcloud put --resume {quoted} ...; or r" if resumable else "R"
        note = (
            f"libcloud: {url}: the store may still hold parts of upload {upload_id}. "
            f"{resume}emove them: libcloud uploads abort {shlex.quote(str(url))} --id {quoted}"
        )
        if isinstance(error, Exception):
            error.cli_note = note  # type: ignore[attr-defined]  # for report()
        else:
            print_stderr(note)
    elif isinstance(error, KeyboardInterrupt):
        print_stderr(f"libcloud: {url}: {_interruption_text(transfer)}")


report_unfinished_upload = partial(on_error, note_unfinished_upload)
"""The same for the error that ends a block."""


def report(error: Exception, url: object = None) -> None:
    where = ""
    if url is not None:
        set_subject(error, url)  # hints name the bucket
        where = f"{printable(str(url))}: "
    line = error_line(error)
    print_stderr(f"libcloud: {'' if line.startswith(where) else where}{line}")
    note = getattr(error, "cli_note", None)
    if note:
        print_stderr(note)


def _interruption_text(transfer: Transfer) -> str:
    if not transfer.started or (transfer.aborted is not None and transfer.aborted.upload_id):
        return "upload aborted; nothing was stored, no parts remain"
    # The interrupted request was the only one, or the last, and the store may have processed it.
    return "interrupted at the end of the upload: check with libcloud stat whether it was stored"


def run_tasks(
    driver: StorageDriver,
    task: Callable[[_Item], object],
    items: Iterable[_Item],
    failures: Failures,
    *,
    jobs: int | None,
    size_of: Callable[[_Item], int | None] = lambda item: None,
    done: Callable[[_Item], object] | None = None,
    url_of: Callable[[_Item], object] | None = None,
    can_fork: bool = False,
    uploads: bool = False,
) -> None:
    """Call ``task``, which transfers one object, for each of ``items``; report those that fail.

    Each runs in one thread of the driver's worker pool. The main thread receives signals: then the
    running transfers are cancelled, which aborts uploads, and it waits for them.

    :param jobs: how many run at once; ``None``: as many as the worker pool allows; 1 runs them in
        the calling thread.
    :param size_of: bytes to transfer; ``None`` if unknown. Small objects share one core.
    :param done: called in the calling thread with each item that was transferred.
    :param url_of: names an item in messages.
    :param can_fork: ``task`` changes nothing in this process, so that others may run it as well.
    :param uploads: ``task`` uploads; this decides how many items are worth other processes.
    """
    finished = itertools.count()  # also those whose results are not read, after a signal
    run = partial(_run, task, finished)
    try:
        with contextlib.ExitStack() as stack:
            processes = Elsewhere()
            if can_fork:
                from libcloud.cli.processes import share

                succeeded = partial(next, finished)
                work = share(
                    driver, run, items, size_of, jobs=jobs, uploads=uploads, succeeded=succeeded
                )
                processes, items, jobs = stack.enter_context(work)
            core = stack.enter_context(OneCore())
            results: Any = driver._pool.map(
                run,
                core.watch(items, size_of),
                ordered=False,
                fail_fast=False,
                jobs=jobs,
                grace=None,
                elsewhere=processes,
            )
            stack.enter_context(contextlib.closing(results))
            for result in results:
                if result.error is not None:
                    if url_of is not None:
                        set_subject(result.error, url_of(result.item))
                    with failures.collect():
                        raise result.error
                elif done is not None:
                    done(result.item)
    except KeyboardInterrupt:
        if jobs != 1:
            text = count(next(finished), "object")
            print_stderr(f"libcloud: {text} finished; running transfers were discarded")
        raise


def _run(task: Callable[[_Item], object], finished: Iterator[int], item: _Item) -> None:
    try:
        task(item)
        next(finished)
    except Exception as error:
        note = getattr(error, "cli_note", None)
        if note and cancellation.is_cancelled():  # the result is no longer needed
            print_stderr(note)
        raise
