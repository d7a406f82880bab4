# SPDX-License-Identifier: Apache-2.0
"""One TLS context for all connections, so that trusted certificates are loaded once.

Loading them takes 20 ms of CPU time, which urllib3 would do for each connection that it opens.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import lru_cache


def usual_context(path: str) -> ssl.SSLContext:
    """Return a new context that trusts the certificates in a file, with the settings of urllib3."""
    context = ssl.create_default_context(cafile=path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])
    return context


def context_for(
    path: str, create: Callable[[str], ssl.SSLContext] = usual_context
) -> ssl.SSLContext:
    """Return what ``create`` returns, or has returned before unless the file has changed.

    Threads that start at the same time may create one each.

    :raises ssl.SSLError: the file cannot be read or contains no certificates.
    """
    try:
        status = os.stat(path)
        return _context(create, path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ssl.SSLError(f"{path}: {error}") from error


@lru_cache(maxsize=16)
def _context(
    create: Callable[[str], ssl.SSLContext], path: str, modified: int, size: int
) -> ssl.SSLContext:
    return create(path)
