# SPDX-License-Identifier: Apache-2.0
"""Where this library departs from the names and signatures of Apache Libcloud 3.9.1, and why."""

from __future__ import annotations

__all__ = ["DIFFERENCES"]

DIFFERENCES: dict[str, str] = {
    "libcloud.test.make_response": "None stands for no headers: a default dict would be shared",
}
