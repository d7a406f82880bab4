# SPDX-License-Identifier: Apache-2.0
"""What proves to a store who is asking: an access key, its secret, perhaps a session token."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Credentials"]


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key pair. The representation shows neither the secret nor the token.

    :param key: access key id; sent in clear with each request.
    :param secret: what signs; never sent.
    :param token: session token of temporary credentials; sent, and signed. ``None`` if they last.
    """

    key: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, temporary={self.token is not None})"
