# SPDX-License-Identifier: Apache-2.0
"""Completion candidates of arguments and options: buckets, keys, profiles, names of stores.

A store has a second to respond. What it lists is kept for a minute in a file that only its owner
can read. It contains names and times, and no credentials: a listing is found by a hash of the
store, the account and the prefix.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import click
from click.shell_completion import CompletionItem

from libcloud.cli.settings import HAS_PROGRAM, Settings
from libcloud.cli.targets import is_url, known_schemes, parse_target
from libcloud.utils.staging import write_private

SECONDS = 60.0
"""The lifetime of a listing."""

_LISTINGS = 50
_SIZE = 4 * 1024 * 1024

# Variables that select the store and the account. None of them is a secret.
_VARIABLES = (
    *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "HOME"),
    *("OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_PROJECT_NAME", "AZURE_STORAGE_ACCOUNT"),
)


class CompletionCache:
    """The file at ``path``; what cannot be read or written is not cached."""

    def __init__(
        self,
        path: str,
        *,
        now: Callable[[], float] = time.time,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._path = path
        self._now = now
        self._environ = environ

    @classmethod
    def of_user(cls) -> CompletionCache:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # it is to be ignored then
            base = os.path.expanduser("~/.cache")
        return cls(os.path.join(base, "libcloud", "completion.json"))

    def get(self, settings: Settings, url: str) -> list[str] | None:
        """The listing for an incomplete ``url``, or one of a shorter prefix that has all names."""
        listings = self._read()
        for key, is_same in self._keys(settings, url):
            listing = listings.get(key)
            if listing is not None and (is_same or listing["complete"]):
                return [str(name) for name in listing["names"]]
        return None

    def put(self, settings: Settings, url: str, names: list[str], *, complete: bool) -> None:
        listings = self._read()
        key, _ = self._keys(settings, url)[0]
        listings[key] = {"time": self._now(), "names": names, "complete": complete}
        newest = sorted(listings, key=lambda key: -float(listings[key]["time"]))[:_LISTINGS]
        with contextlib.suppress(OSError):
            self._write({key: listings[key] for key in newest})

    def _keys(self, settings: Settings, url: str) -> list[tuple[str, bool]]:
        """Hashes for the prefix and for shorter ones in the same directory, and which it is."""
        scheme, _, typed = url.partition("://")
        selected = (
            *(settings.endpoint_url, settings.region, settings.profile, settings.provider),
            *(settings.no_sign_request, scheme),
            *(self._environ.get(name) for name in _VARIABLES),
        )
        container, slash, key = typed.partition("/")
        if not slash:  # buckets are listed without a prefix
            return [(_hash(*selected), True)]
        shortest = key.rfind("/") + 1
        prefixes = [key[:end] for end in range(len(key), shortest - 1, -1)]
        return [(_hash(*selected, container, one), one == key) for one in prefixes]

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            with open(self._path, encoding="utf-8") as file:
                listings = json.loads(file.read(_SIZE))
            oldest = self._now() - SECONDS
            return {
                key: listing
                for key, listing in listings.items()
                if oldest < float(listing["time"]) <= self._now() and listing["names"] is not None
            }
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            return {}

    def _write(self, listings: Mapping[str, object]) -> None:
        directory = os.path.dirname(self._path)
        if not os.path.isabs(directory):  # there is no home directory
            return
        os.makedirs(directory, mode=0o700, exist_ok=True)
        write_private(self._path, json.dumps(listings))


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


TIMEOUT = 1.0
"""Seconds that a store has to respond."""

MOST = 1000
"""Names that are listed; the usual size of a page."""

# Arguments that may also be the path of a file.
_PATHS = ("arguments", "paths", "source", "destination")


def candidates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    file = CompletionItem(incomplete, type="file")
    if isinstance(param, click.Option):
        if param.name == "sse_c_key":
            return [file]
        return _matching(_values(str(param.name)), incomplete)
    if ctx.meta.get(HAS_PROGRAM):
        return [file]
    if is_url(incomplete):
        return [CompletionItem(url) for url in urls(_settings(ctx, param), incomplete)]
    schemes = _matching([f"{scheme}://" for scheme in known_schemes()], incomplete)
    return [*schemes, file] if param.name in _PATHS else schemes


def _matching(values: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def _settings(ctx: click.Context, param: click.Parameter) -> Settings:
    """The options that were typed so far, before and after the command."""
    given: dict[str, Any] = {}
    for context in (ctx.parent, ctx):
        for name, value in (context.params if context is not None else {}).items():
            if name in Settings._fields and value not in (None, False, ()):
                given[name] = value
    settings = Settings(**given)
    return settings.source if param.name == "source" else settings


def urls(
    settings: Settings,
    incomplete: str,
    *,
    cache: CompletionCache | None = None,
    timeout: float = TIMEOUT,
) -> list[str]:
    """URLs that start with ``incomplete``; none if the store does not respond in time."""
    start = incomplete.partition("://")[0]
    if start == "file":
        return _files(incomplete, start)
    try:
        parse_target(incomplete, settings.provider)
    except click.UsageError:
        return []
    cache = cache or CompletionCache.of_user()
    names = cache.get(settings, incomplete)
    if names is None:
        importlib.import_module("libcloud.cli.stores")  # takes none of the store's time
        names = _in_time(lambda: _list(settings, incomplete), timeout)
        if names is None:
            return []
        cache.put(settings, incomplete, names, complete=len(names) < MOST)
    typed = incomplete.partition("://")[2]
    return [f"{start}://{name}" for name in names if name.startswith(typed)]


def _list(settings: Settings, url: str) -> list[str]:
    """Buckets, or keys and directories; without the scheme, with a slash where more can follow."""
    from libcloud.cli.stores import open_store
    from libcloud.storage.base import iterate_directory

    store = open_store(url, settings)
    place, slash, key = url.partition("://")[2].partition("/")
    if not slash:
        containers = islice(store.driver.iterate_containers(), MOST)
        return [f"{container.name}/" for container in containers]
    found = islice(iterate_directory(store.container(), key), MOST)
    names = (one if isinstance(one, str) else one.name for one in found)
    return list(dict.fromkeys(f"{place}/{name}" for name in names))


def _in_time(function: Callable[[], list[str]], timeout: float) -> list[str] | None:
    """The result of ``function``; ``None`` if it fails or takes longer than ``timeout`` seconds."""
    found: list[list[str]] = []

    def run() -> None:
        try:
            found.append(function())
        except BaseException:  # a wrong key, no network: there is nothing to complete
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout)
    return found[0] if found else None


def _files(incomplete: str, scheme: str) -> list[str]:
    directory, slash, start = incomplete.partition("://")[2].rpartition("/")
    try:
        with os.scandir(directory + slash) as entries:
            found = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            )
    except OSError:
        return []
    return [f"{scheme}://{directory}{slash}{name}" for name in found[:MOST]]


def _values(option: str) -> list[str]:
    """Values of options that are not a ``click.Choice``, because stores may know others."""
    from libcloud.common.credentials.profiles import profile_names
    from libcloud.storage.drivers.s3_constants import REGION_TO_HOST_MAP, STORAGE_CLASSES

    match option.removeprefix("from_"):
        case "profile":
            return profile_names(os.environ)
        case "provider":
            return known_schemes()
        case "region":
            return sorted(REGION_TO_HOST_MAP)
        case "storage_class":
            return sorted(STORAGE_CLASSES)
        case "sse":
            return ["AES256", "aws:kms", "aws:kms:dsse"]
        case "lock_mode":
            return ["GOVERNANCE", "COMPLIANCE"]
    return []
