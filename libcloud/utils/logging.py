# SPDX-License-Identifier: Apache-2.0
"""A formatter that shows the extra attributes of log records."""

from __future__ import annotations

import logging
from collections.abc import Mapping


class ExtraLogFormatter(logging.Formatter):
    """Appends the attributes whose name starts with an underscore: ``message (name=value)``."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name.startswith("_")}
        return f"{super().format(record)} ({self._dict_to_str(extra)})"

    def _dict_to_str(self, dictionary: Mapping[str, object]) -> str:
        return ",".join(f"{name[1:]}={value}" for name, value in dictionary.items())
