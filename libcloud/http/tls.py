# SPDX-License-Identifier: Apache-2.0
"""One TLS context for all connections to a host, so that trusted certificates are loaded once.

urllib3 creates a context for each connection and loads the certificates again, which takes 20 ms of
CPU time for each connection that an upload opens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

# Attributes of a urllib3 connection that name trusted certificates.
_PLACES = ("ca_certs", "ca_cert_dir", "ca_cert_data")


class SharedContext:
    """The context of one pool. Threads that start at the same time may create one each."""

    def __init__(self) -> None:
        self._known: tuple[Any, Any] | None = None

    @contextmanager
    def used_by(self, connection: Any) -> Iterator[None]:
        """Let a urllib3 connection use the context while it connects in the block.

        A connection with its own settings or without certificates to verify is left unchanged,
        as is one whose certificates cannot be read: connecting raises the error.
        """
        kept = {name: getattr(connection, name) for name in ("ssl_context", *_PLACES)}
        own = connection.ssl_context, connection.cert_file, connection.ssl_version
        if connection.ca_certs and not any(own):
            with suppress(OSError):
                connection.ssl_context = self._context(connection)
                # The context has them loaded; if named again, they would be loaded again.
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
