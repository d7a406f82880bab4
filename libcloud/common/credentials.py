# SPDX-License-Identifier: Apache-2.0
"""What proves to a store who is asking: an access key, its secret, perhaps a session token.

Credentials often come from files, with a line break at the end. White space around an access key
and a session token is removed, and line breaks around a secret; other white space may be a part of
it. What still cannot be sent is refused, without being shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libcloud.common.types import InvalidCredsError, LibcloudError

__all__ = [
    "Credentials",
    "CredentialsNotFoundError",
    "MalformedCredentialsError",
    "clean_key",
    "clean_secret",
]

# What a header can carry that is signed: visible ASCII, and spaces within.
_SENDABLE = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class CredentialsNotFoundError(LibcloudError):
    """Nobody gives the credentials that a request needs. Nothing was sent.

    :ivar hint: what to do, for people; empty if ``value`` says it.
    """

    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --profile"

    def __str__(self) -> str:
        return str(self.value)


class MalformedCredentialsError(InvalidCredsError):
    """A key, a secret or a token that cannot be one. It was not sent, and is not shown."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key pair. The representation shows neither the secret nor the token.

    :param key: access key id; sent in clear with each request.
    :param secret: what signs; never sent.
    :param token: session token of temporary credentials; sent, and signed. ``None`` if they last.
    :param expires: when the store will not take them any more, aware; ``None`` if nobody knows.
    :raises MalformedCredentialsError: one of them has a character that it cannot have.
    :raises ValueError: ``expires`` has no time zone.
    """

    key: str
    secret: str
    token: str | None = None
    expires: datetime | None = None

    def __post_init__(self) -> None:
        secret = clean_secret(self.secret)
        if isinstance(secret, str) and _CONTROL.search(secret):
            raise MalformedCredentialsError("the secret access key has a line break within")
        object.__setattr__(self, "key", clean_key(self.key, "access key"))
        object.__setattr__(self, "secret", secret)
        object.__setattr__(self, "token", clean_key(self.token, "session token"))
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("the time at which credentials expire needs a time zone")

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, temporary={self.token is not None})"


def clean_key(value: Any, what: str) -> Any:
    """``value``, an access key or a token, without white space around it.

    :param what: what it is, for the message.
    :raises MalformedCredentialsError: it is nothing but white space, or cannot be sent.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if value and not text:
        raise MalformedCredentialsError(f"the {what} is nothing but white space")
    if not _SENDABLE.fullmatch(text):
        raise MalformedCredentialsError(
            f"the {what} has a line break within, or another character that no key has"
        )
    return text


def clean_secret(value: Any) -> Any:
    """``value`` without line breaks around it."""
    return value.strip("\r\n") if isinstance(value, str) else value
