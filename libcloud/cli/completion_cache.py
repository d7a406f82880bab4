# SPDX-License-Identifier: Apache-2.0
"""Names of buckets and keys that were completed in the last minute.

One file, which only its owner can read. It contains names and times, and no credentials: a listing
is found by a hash of the store, the account and the prefix.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from libcloud.cli.settings import Settings

SECONDS = 60.0
"""How long a listing is used."""

_LISTINGS = 50
_SIZE = 4 * 1024 * 1024

# Variables that select the store and the account. None of them is a secret.
_VARIABLES = (
    *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "HOME"),
    *("OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_PROJECT_NAME", "AZURE_STORAGE_ACCOUNT"),
)


class CompletionCache:
    """The file at ``path``; what cannot be read or written is not cached.

    :param now: the time, seconds since the epoch.
    """

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
        """The file in ``XDG_CACHE_HOME``, by default ``~/.cache``."""
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
        """Keep a listing.

        :param complete: it has all names that start with the prefix.
        """
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
        descriptor, temporary = tempfile.mkstemp(dir=directory)  # which is 0600
        try:
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                json.dump(listings, file)
            os.replace(temporary, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
