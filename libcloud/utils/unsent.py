# SPDX-License-Identifier: Apache-2.0
"""Marks exceptions raised before a request was sent, for example while obtaining a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

_MARK = "_libcloud_unsent"


@contextmanager
def before_sending() -> Iterator[None]:
    """Mark the exceptions of the block; :func:`is_unsent` recognizes them."""
    try:
        yield
    except Exception as error:
        mark_unsent(error)
        raise


def mark_unsent(error: BaseException) -> None:
    """Record on ``error`` that nothing of the request was sent."""
    with suppress(AttributeError, TypeError):  # of a class that has no such attribute
        setattr(error, _MARK, True)


def is_unsent(error: BaseException) -> bool:
    """Whether ``error`` was marked."""
    return getattr(error, _MARK, False) is True
