# SPDX-License-Identifier: Apache-2.0
"""Argument validation, with messages that say what to pass instead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

# Names of arguments in other clients: boto3, s3fs, minio-py, obstore, smart_open.
_KNOWN_ELSEWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "endpoint_url": ("endpoint", "url", "uri", "base_url", "server", "endpoint_uri"),
        "key": ("access_key", "access_key_id", "aws_access_key_id", "username", "user", "api_key"),
        "secret": ("secret_key", "secret_access_key", "aws_secret_access_key", "password"),
        "token": ("session_token", "aws_session_token", "security_token"),
        "region": ("region_name", "location", "aws_region"),
        "secure": ("use_ssl", "ssl", "https", "use_https", "tls"),
        "proxy_url": ("proxy", "proxies", "http_proxy", "https_proxy"),
        "timeout": ("connect_timeout", "read_timeout", "request_timeout"),
        "ex_anonymous": ("anon", "anonymous", "no_sign_request", "skip_signature"),
        "anon": ("anonymous", "ex_anonymous", "no_sign_request", "skip_signature"),
        "ex_part_size": ("chunk_size", "chunksize", "block_size", "multipart_chunksize"),
        "ex_window": ("max_concurrency", "concurrency", "workers", "threads"),
        "ex_size": ("content_length", "length"),
        "ex_tags": ("tagging",),
        "ex_sse": ("server_side_encryption", "encryption"),
        "meta_data": ("metadata", "meta", "user_metadata"),
        "content_type": ("mime_type", "mimetype"),
    }
)


def kind_of(value: object) -> str:
    """Name the type of ``value`` for a message; never its value, which may be a secret."""
    return "None" if value is None else type(value).__name__


def check_name(name: object, what: str) -> None:
    """:raises TypeError: the argument ``what``, a name of a container or an object, is not text."""
    if isinstance(name, str):
        return
    from pathlib import PurePath

    if isinstance(name, PurePath):
        hint = "pass path.as_posix()"
    elif isinstance(name, (bytes, bytearray)):
        hint = "decode it first"
    elif hasattr(name, "name"):  # a container or an object
        hint = "pass its name"
    else:
        hint = "pass a str"
    raise TypeError(f"{what} must be a str, not {kind_of(name)}: {hint}")


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The name in ``known`` that ``name`` probably means; ``None`` if none is similar.

    :param likeness: required similarity, 0 to 1; see ``difflib``.

    >>> nearest("endpoint", ["host", "endpoint_url"]), nearest("regoin", ["host", "region"])
    ('endpoint_url', 'region')
    """
    choices = sorted(known)
    plain = _plain(name)
    for choice in choices:
        same = (choice, f"ex_{choice}", *_KNOWN_ELSEWHERE.get(choice, ()))
        if plain in (_plain(choice), _plain(choice.removeprefix("ex_"))) or plain in map(
            _plain, same
        ):
            return choice
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, choices, n=1, cutoff=likeness)), None)


def unexpected_keyword(name: str, known: Iterable[str], *, of: str = "") -> TypeError:
    """The error for an unknown keyword ``of`` a function, which suggests the nearest known one."""
    choices = sorted(known)
    found = nearest(name, choices)
    what = f"{of} has no keyword argument" if of else "unexpected keyword argument"
    hint = f": did you mean {found!r}? There are" if found else "; there are"
    return TypeError(f"{what} {name!r}{hint} {', '.join(choices)}")


def whole_number(name: str, value: object, *, least: int, example: str = "8 * 1024 * 1024") -> None:
    """:raises TypeError, ValueError: the argument ``name`` is no integer, or is below ``least``."""
    if value is None:
        return
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        shown = f"{value!r}" if isinstance(value, (bool, float, str)) else kind_of(value)
        raise TypeError(f"{name} must be a whole number, such as {example}, not {shown[:40]}")
    if value.__index__() < least:
        negative = f"{name} cannot be negative: {value}"
        raise ValueError(
            negative if least == 0 else f"{name} must be at least {least}, not {value}"
        )


def seconds(name: str, value: object) -> None:
    """:raises TypeError, ValueError: ``value`` is no duration in seconds, or negative."""
    if value is None:
        return
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number of seconds, such as 2.5, not {kind_of(value)}")
    if math.isnan(float(value)) or float(value) < 0:
        raise ValueError(f"{name} must be a positive number of seconds, not {value}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def size_of(obj: object) -> int | None:
    """The size of an object, bytes; ``None`` if it has none. A caller may have set it as text."""
    size = getattr(obj, "size", None)
    if isinstance(size, int):
        return size
    return int(size) if isinstance(size, str) and size.isdecimal() else None


def plain_headers(headers: Any) -> dict[str, Any]:
    """A copy of ``headers`` without those that are ``None``, which are not sent."""
    if headers is None:
        return {}
    check_headers(headers)
    plain: dict[Any, Any] = {}
    for name, value in headers.items():
        if not isinstance(name, (str, bytes)):
            raise TypeError(f"the name of a header must be a str, not {kind_of(name)}")
        if value is not None:
            check_text(f"headers[{name!r}]", value)
            plain[name] = value
    return plain


def check_headers(headers: object) -> None:
    """:raises TypeError: it is neither a mapping nor ``None``."""
    if headers is not None and not isinstance(headers, (dict, Mapping)):  # dict: without the ABC
        raise TypeError(f"headers must be a dict, not {kind_of(headers)}")


def check_text(what: str, value: object) -> None:
    """:raises TypeError: the value of a header or of metadata is neither text nor a number."""
    if value is None or isinstance(value, (str, bytes, int, float)):
        return
    raise TypeError(f"{what} must be a str, not {kind_of(value)}")
