# SPDX-License-Identifier: Apache-2.0
"""The state machine of an upload: its states, the events that move it, and its transitions.

Theory of operation
===================

An upload is in exactly one state. An event moves it to the next one, and the transition may ask for
one request to be sent. ``machine.UploadMachine`` changes its state in no other way than by
:data:`TRANSITIONS` and :data:`CLEAN_UP`; the diagram in the documentation is drawn from them, and
the exhaustive walk in the tests reaches each entry.

The first part decides how the object is sent: a stream that ends within it is one ``PUT``.
Otherwise the upload is created, its parts are sent while more are read, and once the source has
ended and every part is stored the upload is completed.

If the store refuses a request that publishes the object (``PUT`` and ``COMPLETE``), nothing was
published. If the response is lost, the outcome is unknown: the upload is ``CONFIRMING`` until a
HEAD request settles whether the object is there.

An error, or a cancellation, stops the upload. Requests in flight are waited for first: a part that
arrives after the abort would remain in the store and be billed. What happens next depends on what
the store may hold; ``UploadMachine._clean_up`` decides. The clean-up can always be abandoned, so an
upload always ends, in ``DONE`` or ``FAILED``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from libcloud.storage.transfer.values import Step


class State(Enum):
    """The states of an upload."""

    READING_FIRST = "reading first"
    PUTTING = "putting"
    CREATING = "creating"
    SENDING = "sending"
    COMPLETING = "completing"
    CONFIRMING = "confirming"
    ABORTING = "aborting"
    DONE = "done"
    FAILED = "failed"

    __hash__ = object.__hash__  # that of Enum takes two calls in Python


class Event(Enum):
    """The events that move an upload from one state to the next; the values are documentation."""

    # Progress.
    STREAM_FITS_ONE_PART = "the stream ends within the first part"
    FIRST_PART_FULL = "the first part is full"
    UPLOAD_ATTACHED = "the first part of a resumed upload is read"
    UPLOAD_CREATED = "the store has assigned an upload id"
    ALL_PARTS_STORED = "the source has ended and every part is stored"
    OBJECT_PUBLISHED = "the store has published the object"

    # The response to a request that publishes was lost, or contradicts what was sent.
    OUTCOME_AMBIGUOUS = "the outcome of the request is ambiguous"
    OBJECT_FOUND = "the object exists and is the one that was sent"

    # An error or a cancellation; which one of these is decided by ``UploadMachine._clean_up``.
    REQUESTS_IN_FLIGHT = "an error, while requests are in flight"
    MAY_BE_PUBLISHED = "an error, and an unanswered request may have published the object"
    NOTHING_TO_ABORT = "an error, and there is no upload to abort"
    UPLOAD_TO_KEEP = 'an error, and the upload is kept (`ex_on_failure="keep"`)'
    UPLOAD_TO_ABORT = "an error, and the upload is to be aborted"
    GAVE_UP = "the clean-up itself was interrupted"

    # Aborting.
    PARTS_MAY_BE_LATE = "aborted, but a part whose response was lost may still arrive"
    ABORT_FINISHED = "the upload is gone, or reported as left behind"

    __hash__ = object.__hash__


class Transition(NamedTuple):
    """The state that an event leads to, and the request to send."""

    state: State
    request: Step | None = None


_S, _E, _T = State, Event, Transition

TRANSITIONS: Mapping[State, Mapping[Event, Transition]] = MappingProxyType(
    {
        _S.READING_FIRST: {
            _E.STREAM_FITS_ONE_PART: _T(_S.PUTTING, Step.PUT),
            _E.FIRST_PART_FULL: _T(_S.CREATING, Step.CREATE),
            _E.UPLOAD_ATTACHED: _T(_S.SENDING),
        },
        _S.PUTTING: {
            _E.OBJECT_PUBLISHED: _T(_S.DONE),
            _E.OUTCOME_AMBIGUOUS: _T(_S.CONFIRMING, Step.CONFIRM),
        },
        _S.CREATING: {_E.UPLOAD_CREATED: _T(_S.SENDING)},
        _S.SENDING: {_E.ALL_PARTS_STORED: _T(_S.COMPLETING, Step.COMPLETE)},
        _S.COMPLETING: {
            _E.OBJECT_PUBLISHED: _T(_S.DONE),
            _E.OUTCOME_AMBIGUOUS: _T(_S.CONFIRMING, Step.CONFIRM),
        },
        _S.CONFIRMING: {_E.OBJECT_FOUND: _T(_S.DONE)},
        _S.ABORTING: {
            _E.PARTS_MAY_BE_LATE: _T(_S.ABORTING, Step.CHECK),
            _E.ABORT_FINISHED: _T(_S.FAILED),
        },
        _S.DONE: {},
        _S.FAILED: {},
    }
)
"""The transitions of events that can occur only in certain states."""

CLEAN_UP: Mapping[Event, Transition] = MappingProxyType(
    {
        _E.REQUESTS_IN_FLIGHT: _T(_S.ABORTING),
        _E.UPLOAD_TO_ABORT: _T(_S.ABORTING, Step.ABORT),
        _E.MAY_BE_PUBLISHED: _T(_S.CONFIRMING, Step.CONFIRM),
        _E.NOTHING_TO_ABORT: _T(_S.FAILED),
        _E.UPLOAD_TO_KEEP: _T(_S.FAILED),
        _E.GAVE_UP: _T(_S.FAILED),
    }
)
"""The transitions of errors, in every state: an interrupt can occur between any two lines."""

PULLING = frozenset({State.READING_FIRST, State.CREATING, State.SENDING})
"""The states in which the source is read."""

PUBLISHING = frozenset({Step.PUT, Step.COMPLETE})
"""Requests that may have published the object."""
