# SPDX-License-Identifier: Apache-2.0
"""Where an upload stands: the states of the machine, and what they have in common."""

from __future__ import annotations

from enum import Enum

from libcloud.storage.transfer.values import Step

__all__ = ["PUBLISHING", "PULLING", "State"]


class State(Enum):
    """See the figure in ``machine.py``."""

    READING_FIRST = "reading first"
    PUTTING = "putting"
    CREATING = "creating"
    SENDING = "sending"
    COMPLETING = "completing"
    CONFIRMING = "confirming"
    ABORTING = "aborting"
    DONE = "done"
    FAILED = "failed"

    __hash__ = object.__hash__  # as that of Step


PULLING = frozenset({State.READING_FIRST, State.CREATING, State.SENDING})
"""The source is read in these."""

PUBLISHING = frozenset({Step.PUT, Step.COMPLETE})
"""Requests after which the object may be there."""
