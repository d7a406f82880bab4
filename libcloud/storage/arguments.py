# SPDX-License-Identifier: Apache-2.0
"""Checks of the drivers' arguments, before anything is sent.

Each error says what to pass instead. Only arguments that cannot work are rejected.
"""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from libcloud.storage.base import Container
from libcloud.storage.base import check_container as check_container
from libcloud.storage.base import check_object as check_object
from libcloud.utils.arguments import check_headers, check_text, kind_of, nearest, seconds
from libcloud.utils.arguments import check_name as check_name
from libcloud.utils.arguments import plain_headers as plain_headers
from libcloud.utils.arguments import unexpected_keyword as unexpected_keyword

LOG = logging.getLogger(__name__)

# Classes whose constructors are checked strictly; others may pass on unknown keywords.
_OURS = "libcloud.storage.drivers."

_CONNECTION_SETTINGS = ("timeout", "retry_delay", "backoff", "proxy_url")

_EXTRA = ("acl", "content_type", "meta_data")


def check_path_name(what: str, name: str, forbidden: str, longest: int) -> None:
    """Refuse a name that a store does not take as a segment of a path, of ``longest`` bytes."""
    if not name or forbidden in name:
        raise ValueError(f"{what} is not empty and has no {forbidden!r}: {name!r}")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is valid Unicode: {name!r}") from error
    if size > longest:
        raise ValueError(f"{what} has at most {longest} bytes")


def check_prefix(prefix: object) -> None:
    """:raises TypeError: a prefix is neither text nor ``None``."""
    if prefix is not None:
        check_name(prefix, "prefix")


def check_file_path(path: object, name: str = "file_path") -> None:
    """:raises TypeError: the argument ``name`` is no path of a file."""
    if isinstance(path, (str, os.PathLike)):
        return
    if isinstance(path, bytes) and name == "destination_path":
        return
    if hasattr(path, "read") or hasattr(path, "write"):
        reading = "; use upload_object_via_stream for an open file" if name == "file_path" else ""
        raise TypeError(f"{name} must be the path of a file, not an open file{reading}")
    hint = ": decode it with os.fsdecode" if isinstance(path, bytes) else ""
    raise TypeError(f"{name} must be a str or a path, not {kind_of(path)}{hint}")


def check_extra(extra: object, *, values: bool = True) -> None:
    """Reject an ``extra`` that would be lost; ``values`` that are sent must be text."""
    if extra is None:
        return
    if not isinstance(extra, (dict, Mapping)):
        raise TypeError(
            "extra must be a dict, such as {'content_type': 'text/plain', 'meta_data': {...}}, "
            f"not {kind_of(extra)}"
        )
    if not extra:
        return
    for key in extra:
        if key not in _EXTRA:
            meant = nearest(key, _EXTRA, likeness=0.85) if isinstance(key, str) else None
            if meant is not None:
                raise ValueError(f"extra has no key {key!r}: did you mean {meant!r}?")
    meta_data = extra.get("meta_data")
    if meta_data and not isinstance(meta_data, (dict, Mapping)):
        raise TypeError(f"extra['meta_data'] must be a dict of strings, not {kind_of(meta_data)}")
    if not values:
        return
    if meta_data:
        for name, value in meta_data.items():
            check_text(f"extra['meta_data'][{name!r}]", value)
    for key in ("acl", "content_type"):
        if key in extra and type(extra[key]) is not str:
            check_text(f"extra[{key!r}]", extra[key])


def check_settings(settings: Mapping[str, Any]) -> None:
    """Reject invalid times among the keywords of a driver."""
    for name in ("timeout", "retry_delay", "backoff"):
        value = settings.get(name)
        pair = value if name == "timeout" and isinstance(value, tuple) else (value,)
        for one in pair:
            seconds(name, one)


def keywords_of(kind: type) -> set[str]:
    """The names of all keywords that constructors of a class of drivers take."""
    found = set(_CONNECTION_SETTINGS)
    for base in kind.__mro__[:-1]:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
            found.update(one.name for one in parameters if one.kind not in variadic)
    return found - {"self"}


def accepts_keyword(function: Callable[..., object], name: str) -> bool:
    """Whether ``function`` can be called with the keyword argument ``name``, as far as is known."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def check_known_keywords(kind: type, names: Iterable[str]) -> None:
    """Reject keywords that no constructor of ``kind`` accepts.

    A third-party class with its own constructor may pass on unknown keywords, as with Apache
    Libcloud: they are logged and ignored.
    """
    if not set(names).difference(_CONNECTION_SETTINGS):
        return
    known = keywords_of(kind)
    constructor = next(vars(one)["__init__"] for one in kind.__mro__ if "__init__" in vars(one))
    strict = str(getattr(constructor, "__module__", "")).startswith(_OURS)
    for name in sorted(set(names) - known):
        error = unexpected_keyword(name, known, of=kind.__name__)
        if strict:
            raise error
        LOG.warning("ignored: %s", error)


def check_upload(
    container: object,
    object_name: object,
    *,
    file_path: object = "",
    extra: object,
    headers: object,
    values: bool = True,
) -> dict[str, Any]:
    """Check the arguments of an upload; a copy of the headers to send.

    :param values: they are sent; otherwise they may be anything, as in Apache Libcloud.
    """
    if file_path != "":
        check_file_path(file_path)
    if type(container) is not Container:
        check_container(container)
    if type(object_name) is not str:
        check_name(object_name, "object_name")
    if extra != {}:
        check_extra(extra, values=values)
    if not values:
        check_headers(headers)
        headers = None
    return {} if headers is None or headers == {} else plain_headers(headers)


def latest_start(
    older_than: timedelta | datetime | None, now: Callable[[], datetime]
) -> datetime | None:
    """The latest start of uploads to clean up, at the time ``now``; ``None``: any."""
    if not isinstance(older_than, (timedelta, datetime, type(None))):
        raise TypeError(
            f"older_than must be a timedelta or a datetime, not {kind_of(older_than)}: "
            "for example timedelta(days=7)"
        )
    if isinstance(older_than, timedelta):
        if older_than < timedelta(0):
            raise ValueError(f"older_than cannot be negative: {older_than}")
        return now() - older_than
    if older_than is not None and older_than.tzinfo is None:
        raise ValueError("older_than needs a time zone: for example datetime.now(timezone.utc)")
    return older_than


def check_download(obj: object, destination_path: object) -> None:
    """The checks of every download to a file."""
    check_object(obj)
    check_file_path(destination_path, "destination_path")


BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def container_url(
    url: str, schemes: Sequence[str], known: Mapping[str, str], *, example: str
) -> tuple[str, dict[str, Any]]:
    """The container in a URL, which may be empty, and the keywords of a driver in its query.

    :param known: the keyword of each parameter; one that ends in ``?`` is true or false.
    :param example: for messages, which contain nothing of the URL that may be a secret.
    """
    from urllib.parse import parse_qsl

    if not isinstance(url, str):
        raise TypeError(f"a URL must be a str, not {kind_of(url)}: write {example}")
    scheme, separator, rest = url.partition("://")
    place, _, query = rest.partition("?")
    container, _, name = place.partition("/")
    if not separator or scheme.lower() not in schemes or "#" in rest:
        raise ValueError(f"this is not a valid URL of a container: write {example}")
    # In abfs://CONTAINER@ACCOUNT, the host names the account.
    if ":" in place or ("@" in place and not scheme.lower().startswith("abfs")):
        raise ValueError("a URL must not contain credentials or a host: everybody can see it")
    if name:
        raise ValueError(f"the URL {scheme}://{container}?... must name a container, not an object")
    settings: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            found = nearest(key, known)
            hint = f"did you mean {found}? There" if found else "there"
            raise ValueError(f"a URL has no parameter {key!r}; {hint} are {', '.join(known)}")
        keyword = known[key].removesuffix("?")
        if keyword in settings:
            raise ValueError(f"the URL has {key} twice")
        if keyword != known[key] and value.lower() not in BOOLEANS:
            raise ValueError(f"{key} must be true or false")
        settings[keyword] = value if keyword == known[key] else BOOLEANS[value.lower()]
    return container, settings


# Keywords of drivers that contain no secret and mean the same on every machine.
_PORTABLE = frozenset(
    {
        *("region", "endpoint_url", "profile", "cloud", "host", "port", "secure", "timeout"),
        *("ex_s3_profile", "ex_addressing_style", "ex_use_dualstack", "ex_use_fips"),
        *("ex_anonymous", "ex_checksum_calculation", "ex_total_timeout", "signature_version"),
        *("ex_force_service_region", "ex_force_service_type", "ex_force_service_name"),
        *("ex_ca_bundle", "retry_delay"),
    }
)


def remember_settings(driver: Any, settings: Mapping[str, Any], *portable: str) -> None:
    """Remember how ``from_env`` created ``driver``, so that another process can do the same.

    :param settings: keywords of ``from_env``. Nothing is remembered if one may be a secret.
    :param portable: further keywords that are not secret.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    secret = [
        name
        for name, value in given.items()
        if name not in {*_PORTABLE, *portable} or not isinstance(value, (str, int, float))
    ]
    driver._session_settings = None if secret else given
    driver._not_portable = min(secret, default="")
