# SPDX-License-Identifier: Apache-2.0
"""A connection that mends what a store refused because of the time, of credentials or of a region.

A store compares the date of a request with its own clock, takes temporary credentials until they
expire, and keeps each bucket in one region. All of that is nobody's fault: the clock is set by what
the store answered, new credentials are asked for, the request goes to the region of the bucket, and
it is made once more, signed anew. So nobody above notices.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from libcloud.common.credentials import clean_key, clean_secret
from libcloud.common.types import LibcloudError
from libcloud.storage import s3
from libcloud.storage.drivers.s3_routes import RoutedConnection
from libcloud.utils.bodies import rewinder
from libcloud.utils.per_thread import PerThread

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.common.credentials.provider import CredentialProvider
    from libcloud.storage.drivers.s3_routes import Route
    from libcloud.storage.s3.errors import ErrorDetail

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

# So often are other credentials tried for one attempt: those that last for seconds may expire while
# a request with them is on its way.
_RENEWALS = 3

# What Amazon says of a bucket that is in another region than the host, or than the signature was
# for: Amazon S3 API Reference, "List of error codes".
_WRONG_LOCATION = "IllegalLocationConstraintException"
_ELSEWHERE_CODES = frozenset(
    {_WRONG_LOCATION, "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"}
)
_REDIRECTS = frozenset({301, 302, 307, 308})


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
        if self._field == "secret":
            value = clean_secret(value)
        else:
            value = clean_key(value, "access key" if self._field == "key" else "session token")
        vars(instance)[self._name] = value


class _Beginning(NamedTuple):
    """What an attempt began with, which other threads may have changed when it is answered.

    :param offset: that of the clock.
    :param region: the one that was signed for.
    """

    offset: timedelta
    region: str


class RepairingConnection(RoutedConnection):
    """A connection with a clock, and perhaps with a source of credentials."""

    user_id: Any = _Credential("key")
    key: Any = _Credential("secret")
    token: Any = _Credential("token")

    credential_provider: CredentialProvider | None = None
    """Where credentials come from; ``None``: from the arguments."""

    anonymous = False
    """Nothing is signed."""

    clock_offset = timedelta(0)
    """How far the store's clock is ahead of this machine's."""

    _in_use: Any = PerThread()

    def server_time(self) -> datetime:
        """What time it is by the store's clock, as far as that is known."""
        return datetime.now(timezone.utc) + self.clock_offset

    def credentials_of_request(self) -> Credentials | None:
        """Credentials of the source, the same all through an attempt; ``None`` without a source."""
        source = self.credential_provider
        if source is None:
            return None
        return self._in_use or source.current()

    def _attempt(self, call: Any) -> Any:
        """Make an attempt; and others, if its refusal was to be mended."""
        rewind = rewinder(call.data)
        mended: list[str] = []
        while True:
            offset, region = self.clock_offset, self._region_for(call.action)
            used = self.credentials_of_request()
            if used is not None:
                self._in_use = used
            try:
                answer = super()._attempt(call)
                detail = _refusal(answer)
            except LibcloudError as error:
                detail = getattr(error, "detail", None)
                how = self._mend(call, detail, _Beginning(offset, region), used, mended)
                if not how or rewind is None:
                    raise
            else:
                if detail is None:
                    return answer
                how = self._mend(call, detail, _Beginning(offset, region), used, mended)
                if not how or rewind is None:
                    return answer
            finally:
                if used is not None:
                    self._in_use = None
            mended.append(how)
            rewind()

    def _mend(
        self,
        call: Any,
        detail: object,
        began: _Beginning,
        used: Credentials | None,
        mended: Sequence[str],
    ) -> str:
        """Why the same request, signed anew, may be accepted now; empty if it may not.

        :param detail: what the store said of an error, if it did.
        :param began: by what the request was signed.
        :param used: what it was signed with; ``None`` without a source.
        :param mended: reasons so far. A region and the time count once, credentials as often as
            they may expire on the way.
        """
        if detail is None or not isinstance(detail, s3.errors.ErrorDetail):
            return ""
        if "region" not in mended and self._goes_elsewhere(call, detail, began):
            return "region"
        if detail.status not in _REFUSED:
            return ""
        if (
            "time" not in mended
            and _is_about_time(detail)
            and self._set_clock(detail, began.offset)
        ):
            return "time"
        if (
            mended.count("credentials") >= _RENEWALS
            or used is None
            or self.credential_provider is None
        ):
            return ""
        certain = detail.code in _CREDENTIAL_CODES
        if not certain and detail.code:
            return ""
        return "credentials" if self.credential_provider.refresh(used, certain=certain) else ""

    def _region_for(self, action: str) -> str:
        region = self.routes.known_region(action) if self.routes is not None else None
        return region or str(getattr(self.driver, "region_name", ""))

    def _goes_elsewhere(self, call: Any, detail: ErrorDetail, began: _Beginning) -> bool:
        """Whether the bucket is in another region, and requests for it go there from now on."""
        if self.routes is None or not _is_elsewhere(detail):
            return False
        if detail.code == _WRONG_LOCATION and call.method == "PUT" and _is_bucket(call.action):
            return False  # it is about the region that a new bucket is wanted in
        route = self.routes.of(call.action)
        region = detail.region or self.routes.region_of(detail.endpoint or "", route.bucket)
        region = region or self._region_by_head(call, route, detail)
        if not region or region == began.region:
            return False
        if detail.status in _REDIRECTS and not self.routes.has_host(region):
            return False  # another signature does not help with this host
        return self.routes.learn(route.bucket, region)

    def _region_by_head(self, call: Any, route: Route, detail: ErrorDetail) -> str | None:
        """Where a bucket is, by a look at it; ``None`` if that does not tell either."""
        told = detail.status not in _REDIRECTS and detail.code != _WRONG_LOCATION
        if told or not route.bucket or call.method == "HEAD":
            return None
        look = replace(
            call,
            action=f"/{route.bucket}",
            params=None,
            data=None,
            headers=None,
            method="HEAD",
            raw=False,
            stream=False,
        )
        try:
            answer = super()._attempt(look)
        except LibcloudError as error:
            return getattr(getattr(error, "detail", None), "region", None)
        except OSError:
            return None  # what counts is that the request was refused
        return dict(answer.headers).get("x-amz-bucket-region")

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


def _is_elsewhere(detail: ErrorDetail) -> bool:
    """Whether the region is the reason. The answer to a HEAD has no code, but may name it."""
    if detail.status in _REDIRECTS or detail.code in _ELSEWHERE_CODES:
        return True
    return detail.status == 400 and not detail.code and detail.region is not None


def _is_bucket(action: str) -> bool:
    """Whether a request is about a bucket as a whole."""
    return "?" not in action and "/" not in action.strip("/")


def _refusal(answer: Any) -> ErrorDetail | None:
    """What a refusal says that counts as a success to the response class: a 400."""
    if getattr(answer, "status", None) != 400 or not hasattr(answer, "error_detail"):
        return None
    return answer.error_detail()  # type: ignore[no-any-return]
