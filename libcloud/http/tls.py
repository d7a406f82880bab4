# SPDX-License-Identifier: Apache-2.0
"""One TLS context for all connections to a host, so that trusted certificates are read once.

The libraries below make a context for each connection and read the file of certificates anew, which
takes 20 milliseconds of processor time for each of the connections that an upload opens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

__all__ = ["SharedContext"]

# Where a connection of urllib3 looks for trusted certificates.
_PLACES = ("ca_certs", "ca_cert_dir", "ca_cert_data")


class SharedContext:
    """The context of one pool. Threads that come at the same time may make one each."""

    def __init__(self) -> None:
        self._known: tuple[Any, Any] | None = None

    @contextmanager
    def lent_to(self, connection: Any) -> Iterator[None]:
        """Let ``connection``, of urllib3, use the context while it connects in the block.

        One that has settings of its own, or no certificates to check against, is left alone; and
        so is one whose file cannot be read: it says so itself.
        """
        kept = {name: getattr(connection, name) for name in ("ssl_context", *_PLACES)}
        own = connection.ssl_context, connection.cert_file, connection.ssl_version
        if connection.ca_certs and not any(own):
            with suppress(OSError):
                connection.ssl_context = self._context(connection)
                # They are in the context. Named again they would be read again.
                vars(connection).update(dict.fromkeys(_PLACES))
        try:
            yield
        finally:
            vars(connection).update(kept)

    def _context(self, connection: Any) -> Any:
        status = os.stat(connection.ca_certs)
        places = [getattr(connection, name) for name in _PLACES]
        key = (*places, connection.cert_reqs, status.st_mtime_ns, status.st_size)
        known = self._known
        if known is None or known[0] != key:
            context = create_urllib3_context(cert_reqs=resolve_cert_reqs(connection.cert_reqs))
            context.load_verify_locations(*places)
            self._known = known = key, context
        return known[1]
