# SPDX-License-Identifier: Apache-2.0
"""Sends a request that is a value through the connection of a driver, whatever its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libcloud import common
from libcloud.common.types import LibcloudError, MalformedResponseError, ResponseTooLargeError
from libcloud.storage.transfer.values import Failure

if TYPE_CHECKING:
    from libcloud.common.request import HttpRequest

THROTTLED = frozenset({429, 503, 509})
"""Statuses by which a store asks for fewer requests."""

HTML = ("text/html", "application/xhtml+xml")
"""Media types of web pages."""


def arguments_of(request: HttpRequest, *, raw: bool = False) -> tuple[str, dict[str, Any]]:
    """The arguments for the ``request`` method of a connection: the action, and keywords.

    :param raw: do not read the body of the response.
    """
    action, params = request.path, {}
    if request.params:
        bare = [(name, value) for name, value in request.params if value is None]
        params = {name: value for name, value in request.params if value is not None}
        action = common.request.join_target(action, bare)
    return action, {
        "params": params,
        "data": request.body,
        "headers": dict(request.headers),
        "method": request.method,
        "raw": raw,
        "retry_failed": False,
        **({"stream": True} if raw else {}),
    }


def send_once(
    connection: Any, request: HttpRequest, what: str, *, raw: bool = False, driver: Any = None
) -> Any:
    """The response to ``request``, whatever its status.

    :param what: the operation, for messages.
    :param driver: of the exception.
    :raises LibcloudError: there was no response; or what the connection raises.
    """
    action, keywords = arguments_of(request, raw=raw)
    try:
        return connection.request(action, **keywords)
    except LibcloudError:
        raise
    except Exception as error:
        raise_if_lost(error, what, driver)
        raise


def raise_if_lost(error: Exception, what: str, driver: Any) -> None:
    """Raise a :class:`LibcloudError` for an error of the network."""
    from libcloud.http import network_error

    lost = network_error(error, what, driver)
    if lost is not None:
        raise lost from error


def is_web_page(headers: Mapping[str, str], own: tuple[str, ...]) -> bool:
    """Whether a success is from a console, a proxy or a login page, and not from the store.

    An object may be a web page: a response with a header of the store is the store's.

    :param headers: names in lower case.
    :param own: what the names of headers begin with that only the store sends.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in HTML or headers.get("content-length") == "0":
        return False
    return not any(name.startswith(own) for name in headers)


def failure_without_detail(error: BaseException) -> Failure:
    """What an exception means that no error response of a store has caused."""
    from libcloud.http import is_transient, never_sent

    if isinstance(error, MalformedResponseError):  # cut short, or not from the store at all
        passing = not isinstance(error, ResponseTooLargeError) or (error.http_code or 0) >= 500
        transient = passing and getattr(error, "transient", True)
        return Failure(error, transient=transient, effect_unknown=not never_sent(error))
    if is_transient(error):
        return Failure(error, transient=True, effect_unknown=not never_sent(error))
    return Failure(error)
