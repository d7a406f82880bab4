# SPDX-License-Identifier: Apache-2.0
"""One TLS context for all connections, so that trusted certificates are loaded once.

Loading them takes 20 ms of CPU time, which urllib3 would do for each connection that it opens.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache


def context_for(path: str) -> ssl.SSLContext:
    """Return a context that trusts the certificates in a file.

    Its settings are those of urllib3. Threads that start at the same time may create one each.

    :raises ssl.SSLError: the file cannot be read or contains no certificates.
    """
    try:
        status = os.stat(path)
        return _context(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ssl.SSLError(f"{path}: {error}") from error


@lru_cache(maxsize=16)
def _context(path: str, modified: int, size: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_TICKET
    context.set_alpn_protocols(["http/1.1"])
    return context
