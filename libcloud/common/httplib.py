# SPDX-License-Identifier: Apache-2.0
"""A response of the standard library under an old name; public as one of ``common.base``."""

from __future__ import annotations

import http.client
from typing import Any

__all__ = ["HTTPResponse"]


class HTTPResponse(http.client.HTTPResponse):
    """The standard library's response, whose ``read`` of nothing is empty. Kept for old users."""

    def read(self, amt: int | None = None) -> Any:
        """At most ``amt`` bytes; an empty text when the response is closed."""
        return "" if self.fp is None else super().read(amt)
