# SPDX-License-Identifier: Apache-2.0
"""Credentials: an access key, its secret and an optional session token.

Credentials are often read from files, with a newline at the end. Whitespace around an access key or
a session token is removed, and newlines around a secret; other whitespace may be part of a secret.
A value that still cannot be sent raises an error that does not show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libcloud.common.types import InvalidCredsError, LibcloudError

# Characters that a signed header can contain: visible ASCII and spaces.
_SENDABLE = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class CredentialsNotFoundError(LibcloudError):
    """A request needs credentials and none were found. Nothing was sent.

    :ivar hint: what the user can do, for messages; empty if ``value`` says it.
    """

    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --profile"

    def __str__(self) -> str:
        return str(self.value)


class MalformedCredentialsError(InvalidCredsError):
    """An access key, secret or session token is not valid. It was not sent and is not shown."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key pair. Its ``repr`` shows neither the secret nor the token.

    :param key: access key id, sent with each request.
    :param secret: secret key, used to sign and never sent.
    :param token: session token of temporary credentials, sent and signed; ``None``: long-term ones.
    :param expires: when the credentials expire, aware; ``None`` if unknown.
    :raises MalformedCredentialsError: a value contains an invalid character.
    :raises ValueError: ``expires`` has no time zone.
    """

    key: str
    secret: str
    token: str | None = None
    expires: datetime | None = None

    def __post_init__(self) -> None:
        secret = clean_secret(self.secret)
        if isinstance(secret, str) and _CONTROL.search(secret):
            raise MalformedCredentialsError("the secret access key contains a line break")
        object.__setattr__(self, "key", clean_key(self.key, "access key"))
        object.__setattr__(self, "secret", secret)
        object.__setattr__(self, "token", clean_key(self.token, "session token"))
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("the expiry time of credentials needs a time zone")

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, temporary={self.token is not None})"


def clean_key(value: Any, what: str) -> Any:
    """Return an access key or a token without surrounding whitespace.

    :param what: name of the value, for the message.
    :raises MalformedCredentialsError: it consists of whitespace only, or cannot be sent.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if value and not text:
        raise MalformedCredentialsError(f"the {what} consists of whitespace only")
    if not _SENDABLE.fullmatch(text):
        raise MalformedCredentialsError(
            f"the {what} contains a line break or another invalid character"
        )
    return text


def clean_secret(value: Any) -> Any:
    """Return ``value`` without surrounding newlines."""
    return value.strip("\r\n") if isinstance(value, str) else value


def masked(key: str) -> str:
    """Return the first and last four characters of a key id, enough to recognize it.

    >>> masked("AKIAIOSFODNN7EXAMPLE"), masked("short")
    ('AKIA...MPLE', 's...')
    """
    return f"{key[:4]}...{key[-4:]}" if len(key) >= 12 else f"{key[:1]}..."
