# SPDX-License-Identifier: Apache-2.0
"""Recovery from refused requests: wrong region, wrong clock, expired credentials.

A store keeps each bucket in one region, compares the date of a request with its own clock, and
accepts temporary credentials until they expire. None of this is an error of the caller. A strategy
corrects the connection according to the response, and the client then sends the request again, with
a new signature. A refused request had no effect, so any request can be repeated.

A strategy that was successful is not tried again for the same request, except for credentials:
those that last only for seconds can expire again on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from libcloud.common.signing import correct_clock
from libcloud.common.types import LibcloudError
from libcloud.storage.s3.connection import BaseS3Connection
from libcloud.utils.bodies import rewinder

if TYPE_CHECKING:
    from libcloud.common.credentials import Credentials
    from libcloud.storage.s3.endpoint import Address
    from libcloud.storage.s3.errors import ErrorDetail

_REDIRECTS = frozenset({301, 302, 307, 308})
_REFUSED = frozenset({400, 401, 403})


_WRONG_LOCATION = "IllegalLocationConstraintException"
_OF_REGIONS = frozenset(
    {_WRONG_LOCATION, "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"}
)


def use_other_region(attempt: Recoveries, error: ErrorDetail) -> bool:
    """Send requests for a bucket to its region, and sign them for it.

    The host comes from the store profile, never from the response, which could lead a signed
    request anywhere. On a custom host, only the region of the signature changes.

    Reference: Amazon S3 API Reference, "List of error codes".
    """
    addressing = attempt.connection.addressing
    is_cause = error.status in _REDIRECTS or error.code in _OF_REGIONS
    # The response to HEAD has no error code, but may state the region in a header.
    is_cause = is_cause or (error.status == 400 and not error.code and error.region is not None)
    if addressing is None or not is_cause:
        return False
    if error.code == _WRONG_LOCATION and attempt.method == "PUT":
        path, _, query = attempt.action.partition("?")
        if not query and "/" not in path.strip("/"):
            return False  # the error is about the region of a bucket to be created
    address = addressing.resolve(attempt.action)
    region = error.region or addressing.region_of_host(error.endpoint or "", address.bucket)
    region = region or _region_by_head(attempt, address, error)
    if not region or region == attempt.region:
        return False
    if error.status in _REDIRECTS and not addressing.has_host(region):
        return False  # another signature does not help on this host
    return addressing.learn_region(address.bucket, region)


def _region_by_head(attempt: Recoveries, address: Address, error: ErrorDetail) -> str | None:
    """Ask for the region of the bucket, if the response does not state it."""
    states_region = error.status not in _REDIRECTS and error.code != _WRONG_LOCATION
    if states_region or not address.bucket or attempt.method == "HEAD":
        return None
    try:
        response = attempt.connection.request(
            f"/{address.bucket}", method="HEAD", retry_failed=False
        )
    except LibcloudError as failure:
        return getattr(getattr(failure, "detail", None), "region", None)
    except OSError:
        return None  # the refusal is the error to raise
    return dict(response.headers).get("x-amz-bucket-region")


# Clock and credentials. The response to HEAD has no error code.

_OF_CLOCKS = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})


def correct_time(attempt: Recoveries, error: ErrorDetail) -> bool:
    """Sign by the clock of the store, which the ``Date`` header of the response states.

    Reference: Amazon S3 API Reference, "RequestTimeTooSkewed".
    """
    if error.date is None or error.status not in _REFUSED:
        return False
    is_cause = error.code in _OF_CLOCKS or (error.status == 403 and not error.code)
    if not is_cause and (error.code != "AccessDenied" or "expired" not in error.message.lower()):
        return False
    return correct_clock(attempt.connection, error.date, attempt.clock_offset)


_OF_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",  # a key that was replaced and deleted
        "InvalidToken",
        "TokenRefreshRequired",
    }
)


def renew_credentials(attempt: Recoveries, error: ErrorDetail) -> bool:
    """Fetch new credentials, if the connection has a source of credentials."""
    provider, used = attempt.connection.credential_provider, attempt.credentials
    if provider is None or used is None or error.status not in _REFUSED:
        return False
    certain = error.code in _OF_CREDENTIALS
    return (certain or not error.code) and provider.refresh(used, certain=certain)


def renew_token(attempt: Recoveries, error: ErrorDetail) -> bool:
    """Have the connection ask for another OAuth token, if this one may have been revoked."""
    return error.status == 401 and attempt.connection.renew_token()


STRATEGIES: Mapping[Callable[[Recoveries, ErrorDetail], bool], int] = MappingProxyType(
    {use_other_region: 1, correct_time: 1, renew_credentials: 3, renew_token: 1}
)
"""Each corrects the connection, and returns whether the request may be accepted now.

They are tried in this order, until they have succeeded that many times for a request.
"""


class Recoveries:
    """The strategies for one request, whose body is rewound after a recovery.

    The connection of another project recovers by its own means, so none is used then.

    The attributes are what the last attempt was signed with: other threads may have changed the
    connection by the time the response arrives. ``credentials`` is ``None`` if they are fixed.
    """

    clock_offset = timedelta(0)
    region = ""
    credentials: Credentials | None = None

    def __init__(self, connection: Any, action: str, method: str, body: Any) -> None:
        self.connection: BaseS3Connection = connection
        self.action, self.method = action, method
        self._is_own = isinstance(connection, BaseS3Connection)
        self._rewind = _nothing if body is None or type(body) is bytes else rewinder(body)
        if self._is_own:
            self.clock_offset = connection.clock_offset
        self._used: dict[object, int] = {}

    def recover(self, error: ErrorDetail | None) -> bool:
        """Try the strategies in turn; return whether the request can be sent again."""
        connection = self.connection
        if error is None or not self._is_own:
            return False
        address, self.credentials = connection.last_attempt()
        known = address.region if address is not None else None
        self.region = known or str(getattr(connection.driver, "region_name", ""))
        for strategy, limit in STRATEGIES.items():
            used = self._used.get(strategy, 0)
            if used < limit and strategy(self, error):
                self._used[strategy] = used + 1
                self.clock_offset = connection.clock_offset
                if self._rewind is None:
                    return False
                self._rewind()
                return True
        return False


def _nothing() -> None:
    """Rewind bytes."""
