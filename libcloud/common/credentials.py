# SPDX-License-Identifier: Apache-2.0
"""What proves to a store who is asking: an access key, its secret, perhaps a session token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libcloud.common.types import LibcloudError

__all__ = ["Credentials", "CredentialsNotFoundError"]


class CredentialsNotFoundError(LibcloudError):
    """Nobody gives the credentials that a request needs. Nothing was sent."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key pair. The representation shows neither the secret nor the token.

    :param key: access key id; sent in clear with each request.
    :param secret: what signs; never sent.
    :param token: session token of temporary credentials; sent, and signed. ``None`` if they last.
    :param expires: when the store will not take them any more, aware; ``None`` if nobody knows.
    :raises ValueError: ``expires`` has no time zone.
    """

    key: str
    secret: str
    token: str | None = None
    expires: datetime | None = None

    def __post_init__(self) -> None:
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("the time at which credentials expire needs a time zone")

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, temporary={self.token is not None})"
