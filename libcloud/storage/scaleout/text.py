# SPDX-License-Identifier: Apache-2.0
"""The text of a session: its fields, and the driver that it describes. It contains no secrets."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

SCHEMA = 1
"""Version of the text; another version is rejected."""

_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("driver", "container", "name", "id", "checksum"), str),
    **dict.fromkeys(("plan", "etag", "whole"), str),
    **dict.fromkeys(("created", "part_size", "parts"), int),
    "headers": dict,
}
_MOST = 2**45  # no time, size or number is larger
_DRIVERS = "libcloud.storage.drivers."
_SECRET_HEADERS = (
    *("authorization", "customer-key", "encryption-key", "token", "copy-source"),
    *("cookie", "password", "secret", "api-key", "signature", "credential"),
)


@dataclass(frozen=True, slots=True)
class SessionFields:
    """The contents of a session's text, except for the driver.

    :param created: seconds since 1970.
    :param part_size: bytes to aim at; ``None``: the default.
    :param parts: how many there are; 0 if that is not known.
    :param plan: identifies the sizes of the pieces; empty if they are not known.
    :param etag: that the object will have; empty if unknown, as before all parts are stored.
    :param whole: algorithm, colon, and checksum of the object in base64; likewise.
    """

    container: str
    name: str
    id: str
    created: int
    checksum: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    part_size: int | None = None
    parts: int = 0
    plan: str = ""
    etag: str = ""
    whole: str = ""


def text_of(driver: Any, fields: SessionFields) -> str:
    """The text of a session, without a secret; and without settings if it is not portable."""
    found = {
        "libcloud_upload": SCHEMA,
        "driver": _kind_of(driver),
        "settings": None if not_portable(driver, fields) else driver._session_settings,
        **{name: value for name, value in asdict(fields).items() if value},
    }
    headers = {name: str(fields.headers[name]) for name in fields.headers if not _is_secret(name)}
    if headers:
        found["headers"] = headers
    return json.dumps(found, separators=(",", ":"))


def needs_key(fields: SessionFields) -> str:
    """The reason why no other process can send a part; empty if one can."""
    if not any(map(_is_secret, fields.headers)):
        return ""
    return (
        "it needs an encryption key, which its text must not contain. Let the store keep "
        "the key (ex_sse='aws:kms'), or send all parts from this process"
    )


def not_portable(driver: Any, fields: SessionFields) -> str:
    """The reason why no other process can continue the upload; empty if one can."""
    if why := needs_key(fields):
        return why
    advice = (
        "Create the driver with from_env() or from_url(), so that every worker finds its own "
        "credentials; or pass ex_connect, a function that returns a driver on the worker; or "
        "ex_ship_credentials='presigned'"
    )
    if not type(driver).__module__.startswith(_DRIVERS):
        return f"{type(driver).__name__} is not a driver of this library. {advice}"
    if getattr(driver, "_session_settings", None) is None:
        what = getattr(driver, "_not_portable", "") or "its key"
        return f"{what} was passed to the driver in code, and may be secret. {advice}"
    return ""


def portable_driver(driver: Any) -> tuple[str, str] | None:
    """The arguments of :func:`driver_of` for a driver; ``None``: no other process can create it."""
    if not_portable(driver, SessionFields("", "", "", 0)):
        return None
    return _kind_of(driver), json.dumps(driver._session_settings)


def _kind_of(driver: Any) -> str:
    """The module of a driver of this library, a colon, and its class."""
    kind = type(driver)
    return f"{kind.__module__.removeprefix(_DRIVERS)}:{kind.__name__}"


def _is_secret(name: str) -> bool:
    lower = name.lower()
    return "-meta-" not in lower and any(word in lower for word in _SECRET_HEADERS)


def parsed(text: str) -> tuple[Callable[[], Any], SessionFields]:
    """Parse a text: a function that creates the driver, and the fields."""
    try:
        found = json.loads(text)
        settings = json.dumps(found.get("settings"), sort_keys=True)
        version = found["libcloud_upload"]
    except (TypeError, ValueError, RecursionError, AttributeError, KeyError):
        raise ValueError("this is not the text of an upload session") from None
    if type(version) is not int or version != SCHEMA:
        raise ValueError(
            f"the upload session has version {version!r:.20}, and this library "
            f"reads version {SCHEMA}: install the same release of libcloud-storage everywhere"
        )
    known = {name: value for name, value in found.items() if name in _KINDS}
    for name, value in known.items():
        if type(value) is not _KINDS[name] or (isinstance(value, int) and not 0 <= value < _MOST):
            raise ValueError(f"the text of the upload session is damaged: {name}={value!r:.80}")
    headers = known.get("headers", {})
    if not all(isinstance(value, str) for value in headers.values()):
        raise ValueError("the text of the upload session is damaged: a header is not text")
    missing = [name for name in ("container", "name", "id") if not known.get(name)]
    if missing:
        raise ValueError(f"the text of the upload session is damaged: it has no {missing[0]}")
    connect = partial(driver_of, known.pop("driver", ""), settings)
    return connect, SessionFields(**{"created": 0, **known})


@lru_cache(maxsize=16)  # a worker sends many parts
def driver_of(kind: str, settings: str) -> Any:
    """The driver that ``from_env`` of a class creates in this process."""
    found = json.loads(settings)
    if found is None:
        raise ValueError(
            "the text of this session does not say how to connect, because the driver's "
            "credentials were passed in code: pass driver="
        )
    module, _, name = kind.partition(":")
    driver_class = None
    if module.isidentifier():
        with contextlib.suppress(ImportError):
            driver_class = getattr(import_module(_DRIVERS + module), name, None)
    if not isinstance(driver_class, type) or not hasattr(driver_class, "from_env"):
        raise ValueError(f"the session names no driver of this library: {kind!r:.80}")
    if not isinstance(found, dict):
        raise ValueError(f"the session has no settings of a driver: {settings:.80}")
    try:
        driver: Any = driver_class.from_env(**found)
    except TypeError as error:
        raise ValueError(f"the session has settings that {name} does not: {error}") from error
    if driver._session_settings is None:
        raise ValueError(
            "the session has settings that may be secrets; no text of this library has"
        )
    return driver


@lru_cache(maxsize=16)
def anonymous_driver(endpoint_url: str) -> Any:
    """A driver that sends what presigned URLs allow."""
    kind: Any = import_module(f"{_DRIVERS}s3").S3StorageDriver
    return kind(ex_anonymous=True, endpoint_url=endpoint_url)
