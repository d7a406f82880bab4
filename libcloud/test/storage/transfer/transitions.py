# SPDX-License-Identifier: Apache-2.0
"""Which state of an upload follows which, and when.

The walk in ``test_walk.py`` takes exactly these, and the diagram of the documentation draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from libcloud.storage.transfer.machine import State

__all__ = ["TRANSITIONS", "Transition", "taken"]


@dataclass(frozen=True)
class Transition:
    """What leads from a state to another.

    :param when: for readers.
    :param keep: only with ``on_failure="keep"``, or only without; ``None``: with and without.
    """

    when: str
    keep: bool | None = None


TRANSITIONS: Mapping[tuple[State, State], Transition] = MappingProxyType(
    {
        (State.READING_FIRST, State.PUTTING): Transition("the stream ends in the first part"),
        (State.READING_FIRST, State.CREATING): Transition("the first part is full"),
        (State.READING_FIRST, State.FAILED): Transition("the source fails, or a cancel"),
        (State.PUTTING, State.DONE): Transition("stored"),
        (State.PUTTING, State.CONFIRMING): Transition("the answer was lost"),
        (State.PUTTING, State.FAILED): Transition("refused"),
        (State.CREATING, State.SENDING): Transition("the upload has an id"),
        (State.CREATING, State.FAILED): Transition("refused: there is nothing to abort"),
        (State.SENDING, State.COMPLETING): Transition("the source has ended, all parts are there"),
        (State.SENDING, State.ABORTING): Transition("an error, or a cancel"),
        (State.SENDING, State.FAILED): Transition("an error: the parts are kept", keep=True),
        (State.COMPLETING, State.DONE): Transition("published"),
        (State.COMPLETING, State.CONFIRMING): Transition("the answer was lost"),
        (State.COMPLETING, State.ABORTING): Transition("refused", keep=False),
        (State.COMPLETING, State.FAILED): Transition("refused: the parts are kept", keep=True),
        (State.CONFIRMING, State.DONE): Transition("it is there, and it is ours"),
        (State.CONFIRMING, State.ABORTING): Transition("it is not there", keep=False),
        (State.CONFIRMING, State.FAILED): Transition("it is not there, or nobody can say"),
        (State.ABORTING, State.FAILED): Transition("removed, or told what is left"),
    }
)


def taken(*, keep: bool) -> set[tuple[State, State]]:
    """Those that there are with ``on_failure="keep"``, or without."""
    return {pair for pair, way in TRANSITIONS.items() if way.keep in (None, keep)}
