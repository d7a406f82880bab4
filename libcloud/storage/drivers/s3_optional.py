# SPDX-License-Identifier: Apache-2.0
"""What a driver has found out that its store refuses, for all its threads."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import RLock

from libcloud.utils.per_process import PerProcess

__all__ = ["GivenUp"]

_log = logging.getLogger(__name__)


class GivenUp:
    """Features of requests that a driver does without, see :mod:`libcloud.storage.s3api.optional`.

    :param label: the driver, for messages.
    :param names: what it does without from the beginning, because the user wants it so.
    """

    def __init__(self, label: str, names: Iterable[str] = ()) -> None:
        self._label = label
        self._lock = PerProcess(RLock)
        self._names = frozenset(names)

    @property
    def names(self) -> frozenset[str]:
        """What the store refuses."""
        return self._names

    def add(self, names: Iterable[str]) -> None:
        """Remember what was refused; the log tells of each once."""
        with self._lock():
            new = frozenset(names) - self._names
            self._names |= new
        for name in sorted(new):
            _log.warning(
                "%s: the store refuses %s, which nobody asked for; it is not sent any more",
                self._label,
                name,
            )
