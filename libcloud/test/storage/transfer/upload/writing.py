# SPDX-License-Identifier: Apache-2.0
"""Writers on the engine and the fake store, and what must be true when nothing was published."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, cast

from libcloud.storage.transfer.retry import Retries, RetryPolicy
from libcloud.storage.transfer.upload.session import ObjectUpload, PushedTransfer, UploadOptions
from libcloud.storage.writer import UploadWriter
from libcloud.test.storage.transfer.upload.fake_store import LIMITS, FakeStore
from libcloud.test.storage.transfer.upload.sending import PART, PATIENCE

RUNNERS = {"inline": 1, "threads": None}


def transfer_to(store: Any, runner: str = "inline", **options: Any) -> PushedTransfer[Any]:
    """An upload in parts of 10 bytes, two at a time, three attempts each."""
    limits = options.pop("limits", LIMITS)
    chosen = UploadOptions(**{"part_size": PART, "window": 2, **options})
    retries = Retries(RetryPolicy(3, base=0.0))
    names = {"container_name": "box", "object_name": "thing"}
    upload = ObjectUpload(store, limits, chosen, retries, RUNNERS[runner], **names)
    return upload._transfer(partial(PushedTransfer, lambda stored: stored))


def writer_to(store: Any, runner: str = "inline", **options: Any) -> UploadWriter[Any]:
    """A writer whose result is what the engine says, in place of an object of a driver."""
    return UploadWriter(cast(Any, transfer_to(store, runner, **options)), "box/thing")


def nothing_published(store: FakeStore) -> None:
    """Nor is anything left behind, once those who clean up are done."""
    for thread in threading.enumerate():
        if thread.name == "libcloud-abandoned":
            thread.join(PATIENCE)
    store.check()
    assert (store.object, store.uploads) == (None, {}), store.steps()
