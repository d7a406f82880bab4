# SPDX-License-Identifier: Apache-2.0
"""What is said when a transfer fails or is interrupted, and going on with the next of many."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator

from libcloud.cli.errors import FAILED, ReportedError, exit_status, explain
from libcloud.cli.meter import Flow
from libcloud.cli.progress import say
from libcloud.common.types import InvalidCredsError
from libcloud.storage.types import ContainerDoesNotExistError

__all__ = ["Collected", "report", "told"]

# They would come again with each of the other objects.
_FOR_ALL = (InvalidCredsError, ContainerDoesNotExistError)


class Collected:
    """Failures of single objects of many.

    :param of: how many objects: the failure of a single one is simply raised.
    :ivar number: of failures.
    """

    def __init__(self, of: int) -> None:
        self.number = 0
        self._alone = of == 1
        self._status = FAILED

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """The block concerns one object: its failure is told, and the next one's turn comes."""
        try:
            yield
        except Exception as error:
            if self._alone or isinstance(error, _FOR_ALL) or hasattr(error, "reason"):
                raise
            self.number += 1
            self._status = exit_status(error)
            report(error)

    def finish(self) -> None:
        """End it.

        :raises ReportedError: some failed: with the status of the one, or the general one.
        """
        if self.number:
            raise ReportedError(self._status if self.number == 1 else FAILED)


@contextlib.contextmanager
def told(flow: Flow, url: object, *, resumable: bool = False) -> Iterator[None]:
    """Tell what became of the upload to ``url`` if the block is interrupted, or leaves parts."""
    try:
        yield
    except BaseException as error:
        aborted = flow.aborted
        left = getattr(error, "upload_id", None)
        if aborted is not None and not aborted.cleaned:
            left = left or aborted.upload_id
        if left:
            named = f"{shlex.quote(str(url))} --id {shlex.quote(left)}"
            resume = (
                f"Go on: libcloud put --resume {shlex.quote(left)} ..., or r" if resumable else "R"
            )
            _tell_with(
                error,
                f"libcloud: {url}: parts may be left at the store, in upload {left}. "
                f"{resume}emove them: libcloud uploads abort {named}",
            )
        elif isinstance(error, KeyboardInterrupt):
            say(f"libcloud: {url}: {_end_of(flow)}")
        raise


def report(error: BaseException) -> None:
    """Tell of ``error``, and then what it left behind."""
    say(f"libcloud: {explain(error)}")
    left = getattr(error, "cli_left", None)
    if left:
        say(left)


def _tell_with(error: BaseException, text: str) -> None:
    """Tell ``text`` when ``error`` is told: at once if nobody will."""
    if isinstance(error, Exception):
        error.cli_left = text  # type: ignore[attr-defined]  # a note for report()
    else:
        say(text)


def _end_of(flow: Flow) -> str:
    """What became of an upload that was interrupted."""
    sure = not flow.begun if flow.aborted is None else flow.aborted.upload_id
    if sure or not (flow.begun or flow.on_the_way):
        return "upload aborted; nothing was stored, nothing is left behind"
    # It was one request, or the last of several, and the store may have carried it out.
    return "interrupted at its end: look whether it was stored, by libcloud stat"
