# SPDX-License-Identifier: Apache-2.0
"""Migrates a bucket to another one, of any provider, by one machine or by many.

The coordinator submits tasks that list ranges of the source's keys and tasks that copy shards of
them, and keeps their names only. What has been done is in a folder of the destination
(:class:`.places.JobFolder`), so that a migration can be resumed after any process has ended.

Tests: ``libcloud/test/storage/scaleout/test_migrate*.py``.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from typing import Any

from libcloud.common.types import InvalidCredsError
from libcloud.storage.base import Container
from libcloud.storage.scaleout.executors import workers_of
from libcloud.storage.scaleout.futures import Tasks, lacks_library, text_of_engine
from libcloud.storage.scaleout.places import (
    Entry,
    JobFolder,
    MigrationError,
    NotInChargeError,
    Place,
    Range,
    all_entries,
    opener_of,
)
from libcloud.storage.scaleout.shards import Listed, Migration, copy_shard, list_range, range_name
from libcloud.utils.cancellation import Cancellation

__all__ = ["MigrationError", "MigrationReport", "migrate", "migration_report"]

OUTCOMES = ("copied", "replaced", "changed", "present", "deleted", "failed")
VERIFICATIONS = ("sent", "stored", "read")

_NOTED = 10_000

_ALL: Range = (None, None)
_SAME = "the source and the destination are the same container"
_NESTED = "one of the source and the destination is inside the other"

# What the files in the folder of a job contain.
_OF_LISTS = {one.name for one in fields(Listed)}
_OF_SUMMARIES = {"outcomes", "bytes", "lost", "noted", "throttled"}


@dataclass(slots=True)
class MigrationReport:
    """The totals of a migration, over all its runs.

    Each object that was listed is counted once:

    :ivar copied: copied by this job.
    :ivar replaced: copied over an object that was there already, with other data, or with data
        that cannot be compared.
    :ivar changed: copied as it was then; it had changed since it was listed.
    :ivar present: the destination already had it: it was not copied, or an interrupted run did.
    :ivar deleted: deleted from the source since it was listed; not copied.
    :ivar failed: not copied, or not as it should be.

    :ivar objects: number of objects listed until now.
    :ivar bytes: their size.
    :ivar copied_bytes: size of what was copied.
    :ivar noted: records of objects that failed, changed or were deleted, with key and error: up to
        1,000 of each shard, and 10,000 of all. The ``done`` files in the job's folder have all.
    :ivar lost: how many objects had a property that the destination does not support, by property.
    :ivar throttled: how often a store throttled requests.
    :ivar complete: everything was listed, and tried.
    """

    job: str = ""
    objects: int = 0
    bytes: int = 0
    copied: int = 0
    replaced: int = 0
    changed: int = 0
    present: int = 0
    deleted: int = 0
    failed: int = 0
    copied_bytes: int = 0
    noted: list[dict[str, Any]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    complete: bool = False
    dry_run: bool = False

    @property
    def tried(self) -> int:
        """Number of objects that were copied or not, for one of the reasons above."""
        return sum(getattr(self, name) for name in OUTCOMES)

    @property
    def is_clean(self) -> bool:
        """Whether the destination has all objects of the source that still exist."""
        return self.complete and not self.failed

    def add_listed(self, listed: Listed) -> None:
        self.objects += listed.objects
        self.bytes += listed.bytes
        self._count(listed.outcomes)

    def add_summary(self, summary: dict[str, Any]) -> None:
        self._count(summary["outcomes"])
        sizes = summary["bytes"]
        self.copied_bytes += sum(sizes.get(name, 0) for name in ("copied", "replaced", "changed"))
        self.noted += summary["noted"][: _NOTED - len(self.noted)]
        self.lost.update(summary["lost"])
        self.throttled += summary["throttled"]

    def _count(self, outcomes: Any) -> None:
        for name, number in outcomes.items():
            setattr(self, name, getattr(self, name) + number)


def migrate(
    source: Container | str | Callable[[], Container],
    destination: Container | str | Callable[[], Container],
    *,
    job: str,
    source_prefix: str = "",
    destination_prefix: str = "",
    executor: Executor | None = None,
    resume: bool = False,
    rules: Iterable[tuple[bool, str]] = (),
    verify: str = "stored",
    shard_size: int = 100_000,
    tasks: int | None = None,
    jobs: int | None = None,
    limit_rate: float | None = None,
    dry_run: bool = False,
    list_whole: bool = False,
    upload_options: Mapping[str, Any] | None = None,
    on_report: Callable[[MigrationReport], object] | None = None,
) -> MigrationReport:
    """Copy the objects of a container to another one that do not exist there yet.

    The store copies the data if both are in the same one, with the same credentials; otherwise it
    is streamed, in bounded memory. The destination's other objects are not touched.

    :param source: the container; a URL of it as for ``from_url``, such as
        ``"s3://old?profile=legacy"``; or a picklable function that returns it. Workers on other
        machines find their own credentials, as the driver's ``from_env`` does.
    :param destination: likewise.
    :param job: name of the job: its folder in the destination is ``.libcloud-migrate/JOB/``.
    :param executor: runs the tasks; ``None``: this process, with the worker pool of the driver.
    :param resume: continue a job that exists; failed objects are tried again.
    :param rules: pairs of whether to include, and a pattern of :mod:`fnmatch` for keys; the last
        that matches decides. Without one, an object is migrated.
    :param verify: ``"sent"``: only what the upload itself verifies; ``"stored"``: also compare
        sizes and ETags with a listing of the destination; ``"read"``: also read every copy, and
        copy again what an interrupted run has copied if hashes do not show that it is the same.
    :param shard_size: keys of a task.
    :param tasks: tasks in flight at most, fewer while a store throttles; ``None``: twice as many as
        the executor has workers.
    :param jobs: objects that a task copies at once; ``None``: up to 64.
    :param limit_rate: bytes per second of all tasks together; ``None``: no limit.
    :param dry_run: list and compare only; nothing is written.
    :param list_whole: list the source from its start to its end before anything is copied, as is
        done for stores that cannot list from a key. For stores that do not list keys in the order
        of their bytes, as some file systems with an S3 interface.
    :param upload_options: ``ex_part_size``, ``ex_window`` and ``ex_max_memory`` of uploads.
    :param on_report: called with the report after each task.
    :raises ValueError: an argument is invalid. Nothing was written.
    :raises MigrationError: the job exists, or is another one; or the two containers are the same.
    """
    if verify not in VERIFICATIONS:
        raise ValueError(f"verify must be one of {', '.join(VERIFICATIONS)}, not {verify!r}")
    counts = {"shard_size": shard_size, "tasks": tasks, "jobs": jobs}
    for name, number in {**counts, "limit_rate": limit_rate}.items():
        if name in counts and number is not None and not isinstance(number, int):
            raise ValueError(f"{name} must be an int, not {number!r}")
        if number is not None and not number > 0:  # also not a number
            raise ValueError(f"{name} must be greater than 0, not {number!r}")
    local = executor is None or isinstance(executor, ThreadPoolExecutor)
    executor = _Inline() if executor is None else executor
    if tasks is None:
        tasks = 1 if isinstance(executor, _Inline) else 2 * workers_of(executor)
    migration = Migration(
        Place(opener_of(source, "source", local), source_prefix),
        Place(opener_of(destination, "destination", local), destination_prefix),
        job,
        tuple((bool(include), str(pattern)) for include, pattern in rules),
        verify,
        shard_size,
        jobs,
        limit_rate / tasks if limit_rate else None,
        ends_early=tasks > 1,
        dry_run=dry_run,
        list_whole=list_whole,
        upload_options=dict(upload_options or {}),
    )
    for place in (migration.source, migration.destination):
        next(all_entries(place), None)  # an error if it does not exist
    if migration.source.identity == migration.destination.identity:
        raise MigrationError(_SAME)
    directories = [place.directory for place in (migration.source, migration.destination)]
    if all(directories) and os.path.commonpath(directories) in directories:
        raise MigrationError(_NESTED)
    report = MigrationReport(job, dry_run=dry_run)
    coordinator = _Coordinator(migration, executor, _Window(tasks), report, on_report)
    if not dry_run:
        coordinator.start(resume)
    coordinator.run()
    return report


def migration_report(
    destination: Container | str | Callable[[], Container], *, job: str, prefix: str = ""
) -> MigrationReport:
    """The report of a job, which may be running.

    :raises MigrationError: there is no such job.
    """
    folder = JobFolder(Place(opener_of(destination, "destination", True), prefix), job)
    if folder.read("job.json") is None:
        raise MigrationError(f"there is no job {job} in {folder.place.container.name}")
    report = MigrationReport(job)
    remaining = _restore(folder, report, retry=False)
    report.complete = not remaining and report.tried == report.objects
    return report


@dataclass(slots=True)
class _Remaining:
    """Tasks that have not been submitted."""

    ranges: deque[Range] = field(default_factory=lambda: deque([_ALL]))
    shards: deque[str] = field(default_factory=deque)

    def __bool__(self) -> bool:
        return bool(self.ranges or self.shards)


class _Coordinator:
    """Submits the tasks of a job."""

    def __init__(
        self,
        migration: Migration,
        executor: Executor,
        window: _Window,
        report: MigrationReport,
        on_report: Callable[[MigrationReport], object] | None,
    ) -> None:
        self._migration = migration
        self._executor, self._window = executor, window
        self._report, self._on_report = report, on_report
        self._remaining = _Remaining()
        self._cancellation = Cancellation()

    def start(self, resume: bool) -> None:
        """Create the job's folder, or continue with it."""
        migration, folder = self._migration, self._migration.folder
        config = _config(migration)
        created = folder.create(config)
        if not created and not resume:
            raise MigrationError(f"job {migration.job} exists: resume it or use another name")
        found = folder.read("job.json")
        if found is None:
            raise MigrationError(f"{folder.path}job.json was written, but is not found")
        if _sees_job(migration, found):
            if created:
                folder.delete("job.json")
            raise MigrationError(_SAME)
        different = [name for name in config if found.get(name) != config[name]]
        if different:
            raise MigrationError(
                f"job {migration.job} has another {' and another '.join(different)}: "
                f"{', '.join(str(found.get(name)) for name in different)}"
            )
        obj = folder.place.container.get_object(f"{folder.path}job.json")
        since = Entry.of(obj, folder.place).modified
        self._migration = replace(migration, since=since, run=folder.take_over())
        self._remaining = _restore(folder, self._report, retry=True)

    def run(self) -> None:
        """Run all tasks; at the first error they are stopped."""
        tasks: Tasks[str | Range] = Tasks(self._executor)
        try:
            while self._remaining or tasks:
                while self._remaining and len(tasks) < self._window.size:
                    self._migration.check_in_charge()
                    self._submit(tasks)
                task, future = tasks.take()
                self._finish(task, future.result())
        except NotInChargeError:
            self._cancellation.cancel()  # the other tasks notice it themselves
            raise
        except BaseException as error:
            self._stop(tasks)
            if not (isinstance(error, BrokenExecutor) or lacks_library(error)):
                raise
            what = "a worker has ended" if isinstance(error, BrokenExecutor) else "a task failed"
            text = f"{what}: resume job {self._migration.job}. {text_of_engine(error)}"
            raise MigrationError(text) from error
        self._report.complete = self._report.tried == self._report.objects

    def _stop(self, tasks: Tasks[str | Range]) -> None:
        """Stop tasks: those in threads now, those of other processes when they look."""
        self._cancellation.cancel()
        tasks.cancel()
        if tasks and self._migration.run:
            with contextlib.suppress(Exception):
                self._migration.folder.take_over()

    def _submit(self, tasks: Tasks[str | Range]) -> None:
        task: str | Range
        if self._remaining.shards:
            task = self._remaining.shards.popleft()
            call: tuple[Any, ...] = (copy_shard, self._migration, task)
        else:
            task = self._remaining.ranges.popleft()
            # A few more ranges than tasks keep all of them busy.
            number = self._window.most - len(self._remaining.ranges)
            call = (list_range, self._migration, task, number)
        if isinstance(self._executor, ThreadPoolExecutor):
            call = (_cancellable, self._cancellation, *call)
        tasks.submit(task, lambda: call)

    def _finish(self, task: str | Range, result: Any) -> None:
        if isinstance(result, Listed):
            self._report.add_listed(result)
            self._remaining.ranges += result.rest
            if not self._migration.dry_run:
                self._remaining.shards += result.shards
        else:
            self._window.finished(throttled=bool(result["throttled"]))
            if result.get("unfinished"):
                self._report.throttled += result["throttled"]
                self._remaining.shards.append(str(task))
            else:
                self._report.add_summary(result)
        if self._on_report is not None:
            self._on_report(self._report)


def _cancellable(cancellation: Cancellation, task: Callable[..., Any], *arguments: Any) -> Any:
    with cancellation.active():
        return task(*arguments)


class _Window:
    """The number of tasks in flight, which is reduced while stores throttle; see RFC 5681."""

    def __init__(self, most: int) -> None:
        self.most = self.size = most

    def finished(self, *, throttled: bool) -> None:
        self.size = max(1, self.size // 2) if throttled else min(self.most, self.size + 1)


class _Inline(Executor):
    """Runs each task at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _sees_job(migration: Migration, config: dict[str, Any]) -> bool:
    """Whether the new job's folder is in the source, too: it is the same under another name."""
    source = Place(migration.source.opener, migration.destination.prefix)
    with contextlib.suppress(InvalidCredsError):
        return JobFolder(source, migration.job).read("job.json") == config
    return False


def _config(migration: Migration) -> dict[str, Any]:
    """The settings of a job that must not change when it is resumed."""
    places = {"source": migration.source, "destination": migration.destination}
    config: dict[str, Any] = {
        name: {**place.identity, "prefix": place.prefix} for name, place in places.items()
    }
    rules = [list(rule) for rule in migration.rules]
    return {"version": 1, **config, "rules": rules, "list_whole": migration.list_whole}


def _restore(folder: JobFolder, report: MigrationReport, *, retry: bool) -> _Remaining:
    """What remains to be done, with failed objects if ``retry``; ``report`` counts what is done."""
    listed = {name: Listed(**value) for name, value in _read_all(folder, "list", _OF_LISTS)}
    remaining, shards = _Remaining(deque()), set[str]()
    pending = deque([_ALL])
    while pending:  # a file to which none of these leads is of an earlier attempt
        bounds = pending.popleft()
        found = listed.get(range_name(bounds))
        if found is None:
            remaining.ranges.append(bounds)
            continue
        report.add_listed(found)
        pending += found.rest
        shards.update(found.shards)
    for shard, summary in _read_all(folder, "done", _OF_SUMMARIES):
        if shard not in shards or (retry and summary["outcomes"].get("failed")):
            continue
        report.add_summary(summary)
        shards.discard(shard)
    remaining.shards += sorted(shards)
    return remaining


def _read_all(folder: JobFolder, kind: str, names: set[str]) -> Iterator[tuple[str, Any]]:
    def read(name: str) -> Any:
        path = f"{kind}/{name}.json"
        found = folder.read(path)
        if found is None or set(found) != names:
            raise MigrationError(f"{folder.path}{path} is damaged or of another version")
        return found

    for result in folder.place.container.driver._pool.map(read, sorted(folder.names(kind))):
        yield result.item, result.value
