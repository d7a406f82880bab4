# SPDX-License-Identifier: Apache-2.0
"""Credentials: an access key, its secret and an optional session token.

They are often read from files: whitespace around a key or a token is removed, and newlines around a
secret. A value that still cannot be sent raises an error that does not show it. Temporary
credentials are fetched on first use and refreshed before they expire.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from threading import RLock
from typing import Any, NamedTuple

from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.utils.local import PerProcess
from libcloud.utils.values import Value


class CredentialsNotFoundError(LibcloudError):
    """A request needs credentials and none were found. Nothing was sent.

    :ivar hint: what the user can do, for messages; empty if ``value`` says it.
    """

    hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --profile"

    def __init__(self, value: Any, driver: Any = None, *, hint: str | None = None) -> None:
        super().__init__(value, driver)
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return str(self.value)


class ProfileFileError(LibcloudError):
    """A profile file cannot be read or does not contain the profile."""

    def __str__(self) -> str:
        return str(self.value)


class MalformedCredentialsError(InvalidCredsError):
    """An access key, secret or session token is not valid. It was not sent and is not shown."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Credentials(Value):
    """An access key pair. Its ``repr`` shows neither the secret nor the token.

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
        if isinstance(secret, str) and re.search(r"[\x00-\x1f\x7f]", secret):
            raise MalformedCredentialsError("the secret access key contains a line break")
        object.__setattr__(self, "key", clean_key(self.key, "access key"))
        object.__setattr__(self, "secret", secret)
        object.__setattr__(self, "token", clean_key(self.token, "session token"))
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError("the expiry time of credentials needs a time zone")

    def __repr__(self) -> str:
        return f"Credentials(key={self.key!r}, temporary={self.token is not None})"


def clean_key(value: Any, what: str) -> Any:
    """An access key or a token, called ``what``, without surrounding whitespace."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if value and not text:
        raise MalformedCredentialsError(f"the {what} consists of whitespace only")
    if not (text.isascii() and text.isprintable()):  # as a header must be
        raise MalformedCredentialsError(
            f"the {what} contains a line break or another invalid character"
        )
    return text


def clean_secret(value: Any) -> Any:
    return value.strip("\r\n") if isinstance(value, str) else value


def check_credentials(key: object, secret: object) -> None:
    """Check that there is something to sign a request with.

    Constructors accept ``None``, as in Apache Libcloud: a program that never sends a request, such
    as a test of a Django project, may run where the variables with its keys are not set.

    :raises CredentialsNotFoundError: ``key`` or ``secret`` is missing.
    """
    if key is None or not isinstance(secret, str):
        raise CredentialsNotFoundError(
            "credentials are needed: pass key and secret, ex_credentials, or ex_anonymous", hint=""
        )


def masked(key: str) -> str:
    """The first and last four characters of a key id, enough to recognize it.

    >>> masked("AKIAIOSFODNN7EXAMPLE"), masked("short")
    ('AKIA...MPLE', 's...')
    """
    return f"{key[:4]}...{key[-4:]}" if len(key) >= 12 else f"{key[:1]}..."


_log = logging.getLogger(__name__)

# Credentials are refreshed this long before they expire, or after half of their lifetime if that is
# shorter. The AWS SDKs refresh in the last five minutes too (SDKs Reference Guide, "Credential
# providers").
_MARGIN = timedelta(minutes=5)
_RETRY_AFTER = timedelta(minutes=1)  # next attempt after a failed refresh


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class _Cached(NamedTuple):
    """Credentials and when they should be refreshed; ``None``: never."""

    credentials: Credentials
    due: datetime | None


class CredentialProvider:
    """Caches the credentials that a function returns, and refreshes them before they expire.

    Safe for threads; only one thread at a time calls the function. Several drivers may share a
    provider by passing it as ``ex_credentials``.

    :param fetch: returns the current credentials. Its exceptions propagate to the request, unless
        the cached credentials are still valid.
    :param now: the current time, aware, to compare with the expiry.
    """

    def __init__(
        self, fetch: Callable[[], Credentials], *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = PerProcess(RLock)
        self._cached: _Cached | None = None
        self._suspected: Credentials | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without cached credentials: a copy or another process fetches its own."""
        return {**vars(self), "_cached": None, "_suspected": None}

    def __call__(self) -> Credentials:
        return self.current()

    def current(self) -> Credentials:
        cached = self._cached
        if cached is not None and (cached.due is None or not self._is_due(cached)):
            return cached.credentials
        # One thread refreshes; the others wait for it only if they have no valid credentials.
        valid = cached is not None and not self._has_expired(cached)
        lock = self._lock()
        if not lock.acquire(blocking=not valid):
            assert cached is not None
            return cached.credentials
        try:
            if self._cached is None or self._is_due(self._cached):
                self._refresh(tolerant=valid)
            assert self._cached is not None
            return self._cached.credentials
        finally:
            lock.release()

    def refresh(self, rejected: Credentials, *, certain: bool = True) -> bool:
        """Fetch again because a store rejected ``rejected``; return whether they have changed.

        :param certain: the store named the credentials as the reason. Otherwise the function is
            called only once for the same credentials.
        """
        with self._lock():
            if self._known() != rejected:
                return True  # another thread has refreshed them already
            if not certain and self._suspected == rejected:
                return False
            self._suspected = rejected
            self._fetch_again()
            return self._known() != rejected

    def discard(self, rejected: Credentials) -> bool:
        """Have the next request fetch again: a store rejected ``rejected``."""
        with self._lock():
            if self._known() == rejected:
                self._cached = None
        return True

    def _known(self) -> Credentials | None:
        return None if self._cached is None else self._cached.credentials

    def _fetch_again(self) -> None:
        self._refresh(tolerant=False)

    def _refresh(self, *, tolerant: bool) -> None:
        try:
            credentials = self._fetch()
            if not isinstance(credentials, Credentials):
                raise TypeError(
                    "ex_credentials must return libcloud.common.credentials.Credentials, "
                    f"not {type(credentials).__name__}"
                )
        except Exception as error:
            if not tolerant or self._cached is None:
                raise
            # The text of the error may contain a secret.
            _log.warning("Refreshing the credentials failed (%s)", type(error).__name__)
            self._cached = _Cached(self._cached.credentials, self._now() + _RETRY_AFTER)
        else:
            self._cached = _Cached(credentials, self._due(credentials))

    def _due(self, credentials: Credentials) -> datetime | None:
        if credentials.expires is None:
            return None
        left = credentials.expires - self._now()
        return credentials.expires - min(_MARGIN, left / 2)

    def _is_due(self, cached: _Cached) -> bool:
        return (cached.due is not None and self._now() >= cached.due) or self._has_expired(cached)

    def _has_expired(self, cached: _Cached) -> bool:
        expires = cached.credentials.expires
        return expires is not None and self._now() >= expires
