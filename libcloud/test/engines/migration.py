# SPDX-License-Identifier: Apache-2.0
"""A bucket that is migrated on each engine."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from libcloud.storage.scaleout.migrate import MigrationReport, migrate
from libcloud.storage.scaleout.places import FOLDER
from libcloud.test.engines.store import BUCKET, SECRET, KillSender, Store
from libcloud.test.storage.fakes.wire import Incoming

NEW = "new"
NAMES = tuple(f"{first}/{number}" for first in "abcd" for number in range(10))


def fill(store: Store, container: Any) -> None:
    """Create the bucket, and the one that it is migrated to."""
    store.create_bucket(NEW)
    for name in NAMES:
        container.upload_object_via_stream(iter([name.encode()]), name)


def kill_at_the_end_of_a_shard(store: Store) -> KillSender:
    """Kill a worker when it has copied a shard, before it records that."""
    kill = KillSender(store)
    store.faults.add("PutObject", kill, match=_is_done)
    return kill


def _is_done(request: Incoming) -> bool:
    return f"{FOLDER}m1/done/" in request.raw_path


def migrate_on(executor: Executor, container: Any, *, resume: bool = False) -> MigrationReport:
    """Migrate the bucket; the workers find their own credentials."""
    target = container.driver.get_container(NEW)
    return migrate(
        container, target, job="m1", executor=executor, shard_size=10, tasks=4, resume=resume
    )


def check_migration(store: Store, report: MigrationReport) -> None:
    """Each object is there and was copied once, and no file of the job contains the secret."""
    assert report.is_clean
    assert (report.objects, report.copied + report.present) == (len(NAMES), len(NAMES))
    names = [name for bucket, name in store.objects if bucket == NEW]
    copies = {name: store.body(NEW, name) for name in names if not name.startswith(FOLDER)}
    assert copies == {name: name.encode() for name in NAMES}
    assert store.count("CopyObject") == len(NAMES)
    assert not any(SECRET.encode() in store.body(NEW, name) for name in names)
    assert not [name for bucket, name in store.objects if bucket == BUCKET and "libcloud" in name]
