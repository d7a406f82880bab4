# SPDX-License-Identifier: Apache-2.0
"""What the mocks of storage drivers have in common."""

from __future__ import annotations

import re

from libcloud.test import MockHttp

__all__ = ["BaseRangeDownloadMockHttp", "MockHttp"]


class BaseRangeDownloadMockHttp(MockHttp):
    """A mock which answers requests that have a ``Range`` header."""

    def _get_start_and_end_bytes_from_range_str(
        self, range_str: str, body: str | bytes
    ) -> tuple[int, int]:
        """First and last position named by a header value such as ``bytes=5-9``, as they stand.

        :return: both inclusive; for an open end (``bytes=5-``) the second is the body's length.
        :raises ValueError: ``range_str`` is of another form.
        """
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", range_str.strip())
        if found is None:
            raise ValueError(f"not a range of bytes: {range_str!r}")
        start, end = found.groups()
        return int(start), int(end) if end else len(body)
