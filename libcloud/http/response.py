# SPDX-License-Identifier: Apache-2.0
"""An answer with the methods of the standard library's responses."""

from __future__ import annotations

from typing import Any

__all__ = ["HttpLibResponseProxy"]


class HttpLibResponseProxy:
    """A response of requests behind the methods of the standard library's."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def read(self, amt: int | None = None) -> str:
        """The whole body as text, whatever ``amt``."""
        return str(self._response.text)

    def getheader(self, name: str, default: Any = None) -> Any:
        """The value of a header."""
        return self._response.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Pairs of name and value."""
        return list(self._response.headers.items())

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self._response.status_code  # type: ignore[no-any-return]

    @property
    def reason(self) -> str:
        """Reason of the answer."""
        return self._response.reason  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """HTTP version, without the dot."""
        return "11"

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._response.content  # type: ignore[no-any-return]
