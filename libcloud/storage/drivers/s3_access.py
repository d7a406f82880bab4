# SPDX-License-Identifier: Apache-2.0
"""Keywords of all S3 drivers that concern how the store is reached, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libcloud import common
from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.s3_repair import RepairingConnection

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials

__all__ = ["S3Access"]


class S3Access(StorageDriver):
    """A driver whose credentials may come from a function.

    :param ex_credentials: gives the credentials of the moment, for ones that do not last; in place
        of ``key``, ``secret`` and ``token``. It is called when they are about to expire and when
        the store refuses them, by one thread at a time.
    :param ex_total_timeout: seconds for a request and its answer as a whole, however lively they
        are; ``None``: no limit. Bodies of downloads are not included.
    :raises TypeError: there is neither ``key`` nor ``ex_credentials``; or the connection is not one
        that can change its credentials.
    """

    def __init__(
        self,
        key: str | None = None,
        secret: str | None = None,
        secure: bool = True,
        host: str | None = None,
        port: int | None = None,
        api_version: str | None = None,
        region: str | None = None,
        *,
        ex_credentials: Callable[[], Credentials] | None = None,
        ex_total_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        if ex_credentials is not None:
            key, secret = key or "", secret or ""
        elif key is None:
            raise TypeError("credentials are needed: pass key and secret, or ex_credentials")
        super().__init__(key, secret, secure, host, port, api_version, region, **kwargs)
        if ex_credentials is not None:
            self._take_credentials_from(ex_credentials)
        if ex_total_timeout is not None:
            self.connection.total_timeout = ex_total_timeout
            self.connection.connection.total_timeout = ex_total_timeout

    def _take_credentials_from(self, ask: Callable[[], Credentials]) -> None:
        connection = self.connection
        if not isinstance(connection, RepairingConnection):
            raise TypeError(f"ex_credentials: {type(connection).__name__} has fixed credentials")
        connection.credential_source = common.credential_renewal.CredentialSource(
            ask, now=connection.server_time
        )
