# SPDX-License-Identifier: Apache-2.0
"""A raw response that tells how much of its body has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["CountedResponse"]


class CountedResponse:
    """In place of what a raw response calls its ``response``, for whoever saves its body.

    :param on_bytes: called with the number of bytes of each piece, before it is given away.
    """

    def __init__(self, response: Any, on_bytes: Callable[[int], object]) -> None:
        self._inner = response
        self._on_bytes = on_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def _response(self) -> CountedResponse:
        return self

    def iter_content(self, size: int) -> Iterator[bytes]:
        """The body, in pieces."""
        for piece in self._inner._response.iter_content(size):
            self._on_bytes(len(piece))
            yield piece
