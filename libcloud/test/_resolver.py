# SPDX-License-Identifier: Apache-2.0
"""Names that lead to this machine, for tests of servers that are known by several."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any
from unittest import mock


@contextlib.contextmanager
def loopback_names(*domains: str) -> Iterator[None]:
    """Let ``domains``, and all that is in them, be 127.0.0.1; other names are no names at all."""
    real = socket.getaddrinfo

    def lookup(host: Any, *arguments: Any, **keywords: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if any(name == domain or name.endswith(f".{domain}") for domain in domains):
            return real("127.0.0.1", *arguments, **keywords)
        if name not in ("127.0.0.1", "::1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, f"a test may not look up {name}")
        return real(host, *arguments, **keywords)

    with mock.patch.object(socket, "getaddrinfo", lookup):
        yield
