# SPDX-License-Identifier: Apache-2.0
"""A connection that mends what a store refused because of the time or of its credentials.

A store compares the date of a request with its own clock, and takes temporary credentials until
they expire. Both are nobody's fault: the clock is set by what the store answered, new credentials
are asked for, and the request is made once more, signed anew. So nobody above notices.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from libcloud.common.base import ConnectionUserAndKey
from libcloud.common.types import LibcloudError
from libcloud.storage import s3api
from libcloud.utils.bodies import rewinder
from libcloud.utils.per_thread import PerThread

if TYPE_CHECKING:
    from libcloud.common.credential_renewal import CredentialSource
    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3api.errors import ErrorDetail

__all__ = ["RepairingConnection"]

_log = logging.getLogger(__name__)

# Stores take requests of up to 15 minutes ago (Amazon S3 API Reference, "RequestTimeTooSkewed").
# What is less apart than this is taken to be the time on the wire, and no reason for a refusal.
_NOTABLE = timedelta(minutes=1)

_CLOCK_CODES = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",  # a key that was replaced and deleted
        "InvalidToken",
        "TokenRefreshRequired",
    }
)
_REFUSED = frozenset({400, 401, 403})


class _Credential:
    """An attribute: what was assigned, or, with a source of credentials, theirs."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return None
        credentials = instance.credentials_of_request()
        if credentials is None:
            return vars(instance).get(self._name)
        return getattr(credentials, self._field)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value


class RepairingConnection(ConnectionUserAndKey):
    """A connection with a clock, and perhaps with a source of credentials."""

    user_id: Any = _Credential("key")
    key: Any = _Credential("secret")
    token: Any = _Credential("token")

    credential_source: CredentialSource | None = None
    """Where credentials come from; ``None``: from the arguments."""

    clock_offset = timedelta(0)
    """How far the store's clock is ahead of this machine's."""

    _in_use: Any = PerThread()

    def server_time(self) -> datetime:
        """What time it is by the store's clock, as far as that is known."""
        return datetime.now(timezone.utc) + self.clock_offset

    def credentials_of_request(self) -> Credentials | None:
        """Credentials of the source, the same all through an attempt; ``None`` without a source."""
        if self._in_use is not None or self.credential_source is None:
            return self._in_use  # type: ignore[no-any-return]
        return self.credential_source.current()

    def _attempt(self, call: Any) -> Any:
        """Make an attempt; and another one, if its refusal was to be mended."""
        rewind = rewinder(call.data)
        began = self.clock_offset
        with self._one_set_of_credentials() as used:
            try:
                answer = super()._attempt(call)
                detail = _refusal(answer)
            except LibcloudError as error:
                if not self._mends(getattr(error, "detail", None), began, used) or rewind is None:
                    raise
            else:
                if not self._mends(detail, began, used) or rewind is None:
                    return answer
        rewind()
        with self._one_set_of_credentials():
            return super()._attempt(call)

    @contextmanager
    def _one_set_of_credentials(self) -> Iterator[Credentials | None]:
        self._in_use = None
        self._in_use = used = self.credentials_of_request()
        try:
            yield used
        finally:
            self._in_use = None

    def _mends(self, detail: object, began: timedelta, used: Credentials | None) -> bool:
        """Whether the same request, signed anew, may be accepted now.

        :param detail: what the store said of an error, if it did.
        :param began: the offset of the clock when the request was signed.
        :param used: what it was signed with; ``None`` without a source.
        """
        if not isinstance(detail, s3api.errors.ErrorDetail) or detail.status not in _REFUSED:
            return False
        if _is_about_time(detail) and self._set_clock(detail, began):
            return True
        if used is None or self.credential_source is None:
            return False
        certain = detail.code in _CREDENTIAL_CODES
        if not certain and detail.code:
            return False
        return self.credential_source.renew(used, certain=certain)

    def _set_clock(self, detail: ErrorDetail, began: timedelta) -> bool:
        """Set the clock by the time of an answer; whether it has changed since ``began``."""
        if detail.date is None:
            return False
        offset = detail.date - datetime.now(timezone.utc)
        if abs(offset - self.clock_offset) > _NOTABLE:
            self.clock_offset = offset
            _log.warning(
                "The clocks of this machine and of %s are %.0f seconds apart; requests are signed "
                "by that of the store",
                self.host,
                abs(offset.total_seconds()),
            )
        return abs(self.clock_offset - began) > _NOTABLE


def _is_about_time(detail: ErrorDetail) -> bool:
    """Whether the clock can be the reason. The answer to a HEAD has no code that would say so."""
    if detail.code in _CLOCK_CODES or (detail.status == 403 and not detail.code):
        return True
    return detail.code == "AccessDenied" and "expired" in detail.message.lower()


def _refusal(answer: Any) -> ErrorDetail | None:
    """What a refusal says that counts as a success to the response class: a 400."""
    if getattr(answer, "status", None) != 400 or not hasattr(answer, "error_detail"):
        return None
    return answer.error_detail()  # type: ignore[no-any-return]
