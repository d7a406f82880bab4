# SPDX-License-Identifier: Apache-2.0
"""A machine that is driven by hand: a test decides how its requests succeed or fail."""

from __future__ import annotations

from typing import Any

from libcloud.storage.capabilities import Limits
from libcloud.storage.transfer.retry import Retries, RetryPolicy
from libcloud.storage.transfer.upload.machine import State, UploadMachine
from libcloud.storage.transfer.upload.plan import PartPlan
from libcloud.storage.transfer.values import (
    Confirmation,
    Failure,
    PartReceipt,
    Pull,
    Send,
    Step,
    Stop,
    StoredObject,
)

LIMITS = Limits(min_part_size=1, max_part_size=100, max_parts=9, max_object_size=900)
STORED = StoredObject("etag", 30, 3)
ATTEMPTS = 3

ERROR = RuntimeError("no")
LOST = ConnectionError("lost")
REFUSED = Failure(ERROR)
BUSY = Failure(ERROR, transient=True)
UNHEARD = Failure(LOST, transient=True, effect_unknown=True)
GONE = Failure(LookupError("no such upload"), upload_gone=True)
CONTRADICTED = Failure(ValueError("of other data"), contradicted=True)
TAKEN = Failure(FileExistsError("it is there"), condition_failed=True)


def machine(plan: PartPlan | None = None, **options: Any) -> UploadMachine:
    """A machine for parts of 10 bytes, with a window of 2 and 3 attempts, unless said otherwise."""
    retries = Retries(RetryPolicy(ATTEMPTS, base=1.0), random=lambda: 0.5)
    return UploadMachine(
        plan or PartPlan(LIMITS, 10), **{"window": 2, "retries": retries, **options}
    )


def pull(upload: UploadMachine, size: int = 10, *, last: bool = False) -> int:
    """Give the part that is asked for; its number."""
    command = upload.poll()
    assert isinstance(command, Pull), command
    upload.pulled(size, last)
    return command.number


def sent(upload: UploadMachine, step: Step, number: int = 0) -> Send:
    """The request that is asked for, which must be this one."""
    command = upload.poll()
    assert isinstance(command, Send), command
    assert (command.step, command.number) == (step, number)
    return command


def answer(upload: UploadMachine, send: Send) -> None:
    """The store says yes."""
    answers: dict[Step, Any] = {
        Step.CREATE: "id",
        Step.PART: PartReceipt(send.number, f"etag {send.number}", 10),
        Step.CONFIRM: (Confirmation.STORED, STORED),
        Step.CHECK: False,
        Step.ABORT: None,
    }
    upload.succeeded(send, answers.get(send.step, STORED))


def do(upload: UploadMachine, step: Step, number: int = 0) -> None:
    """This request succeeds."""
    answer(upload, sent(upload, step, number))


def fail(upload: UploadMachine, failure: Failure, step: Step, number: int = 0) -> Send | None:
    """This request is made, and fails."""
    return upload.failed(sent(upload, step, number), failure)


def sending(**options: Any) -> UploadMachine:
    """A machine that has created its upload and sent one part."""
    upload = machine(**options)
    pull(upload)
    do(upload, Step.CREATE)
    do(upload, Step.PART, 1)
    return upload


def completing(**options: Any) -> UploadMachine:
    """A machine that has sent three parts, the last among them."""
    upload = sending(**options)
    for number in (2, 3):
        pull(upload, last=number == 3)
        do(upload, Step.PART, number)
    return upload


def ended(upload: UploadMachine) -> bool:
    return upload.poll() == Stop() and upload.state in (State.DONE, State.FAILED)
