# SPDX-License-Identifier: Apache-2.0
"""The source and the destination of a migration: opening them in each process, and listing them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from libcloud.storage.arguments import accepts_keyword
from libcloud.storage.base import Container, Object, check_container
from libcloud.storage.copying import store_address
from libcloud.storage.providers import get_driver
from libcloud.storage.s3.names import name_bytes
from libcloud.storage.scaleout import text
from libcloud.storage.scaleout.staging import CONTENT_HASH
from libcloud.storage.types import IncompleteListingError, ObjectDoesNotExistError, Provider
from libcloud.utils.iso8601 import time_of

Range = tuple[str | None, str | None]
"""The keys after the first and up to the second; ``None``: from the first key, to the last."""

# Listings by which the objects of a shard are found in the destination.
_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Objects of a container whose names start with a prefix. Can be sent to another process.

    :param opener: called once in each process; hashable, and picklable for other processes.
    """

    opener: Callable[[], Container]
    prefix: str = ""

    @property
    def container(self) -> Container:
        return _opened(self.opener)

    @property
    def identity(self) -> dict[str, str]:
        """The location, without credentials; equal for places in the same container."""
        name, driver = self.container.name, self.container.driver
        connection = getattr(driver, "connection", None)
        parts = (getattr(connection, part, "") for part in ("account_prefix", "request_path"))
        account = "".join(str(part or "") for part in parts)
        return {"store": store_address(driver), "account": account, "container": name}


@lru_cache(16)
def _opened(opener: Callable[[], Container]) -> Container:
    return opener()


@dataclass(frozen=True)
class _ContainerOpener:
    """A container of a driver that ``from_env`` has created; other processes can do the same."""

    kind: str
    settings: str
    name: str

    def __call__(self) -> Container:
        return Container(self.name, {}, text.driver_of(self.kind, self.settings))


def opener_of(place: Any, name: str, local: bool) -> Callable[[], Container]:
    """A function that returns a container.

    :raises ValueError: it cannot be used by other processes.
    """
    if isinstance(place, str):
        place = _from_url(place)
    if callable(place):
        return place  # type: ignore[no-any-return]
    check_container(place)
    if local:
        return lambda: place
    spec = text.portable_driver(place.driver)
    if spec is None:
        raise ValueError(
            f"the credentials of {name} were passed to its driver in code, and are not sent to "
            "other machines. Create the driver with from_env() or from_url(), so that every worker "
            "finds its own credentials, or pass a function that returns the container there"
        )
    return _ContainerOpener(*spec, place.name)


def _from_url(url: str) -> Container:
    scheme = url.partition("://")[0].lower()
    kinds = {"s3": Provider.S3, "az": Provider.AZURE_BLOBS, "swift": Provider.OPENSTACK_SWIFT}
    if scheme not in kinds:
        raise ValueError(f"no container: {scheme}://; use s3://, az:// or swift://, or a container")
    driver: Any = get_driver(kinds[scheme])
    container: Container | None = driver.from_url(url).ex_container
    if container is None:
        raise ValueError(f"the URL names no container: {scheme}://CONTAINER")
    return container


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it; its key is without the prefix of its place.

    :param content: hash of the data; ``None`` if the store does not report one.
    :param modified: when it was stored, to the second; ``None`` if that is not reported.
    """

    key: str
    size: int
    etag: str | None = None
    content: str | None = None
    modified: datetime | None = None

    @classmethod
    def of(cls, obj: Object, place: Place) -> Entry:
        content = obj.extra.get("md5_hash")
        if not content and obj.driver._hash_is_of_data and "static_large_object" not in obj.extra:
            # Encrypted objects are never equal: such an object is copied again, and reported.
            content = obj.hash if CONTENT_HASH.fullmatch(obj.hash or "") else None
        when = time_of(obj.extra.get("last_modified", obj.extra.get("modify_time")))
        modified = when.replace(microsecond=0) if when else None
        return cls(
            obj.name[len(place.prefix) :], int(obj.size), obj.hash or None, content, modified
        )

    def is_same_data(self, other: Entry, since: datetime | None) -> bool:
        """Whether ``other``, in the destination, is a copy of this object.

        If their hashes cannot be compared, it is if it was written since the job began.
        """
        if self.size != other.size:
            return False
        if self.content and other.content:
            if self.content == other.content:
                return True
            if "-" not in self.content + other.content:  # both are MD5
                return False
        return since is not None and other.modified is not None and other.modified > since


def lists_from_key(place: Place) -> bool:
    """Whether the driver can list from a key."""
    driver: Any = place.container.driver
    return accepts_keyword(driver.iterate_container_objects, "ex_start_after")


def all_entries(place: Place, below: str = "") -> Iterator[Entry]:
    """The objects whose keys begin with ``below``, in any order."""
    prefix = place.prefix + below
    for obj in place.container.iterate_objects(prefix=prefix or None):
        yield Entry.of(obj, place)


def entries_in(place: Place, bounds: Range) -> Iterator[Entry]:
    """The objects of a range, in the order of their keys.

    Both bounds were listed before. The listing must show them, unless they have been deleted since:
    so adjacent ranges leave nothing out between them, whatever the order of the store is.
    """
    after, last = bounds
    driver: Any = place.container.driver
    start = place.prefix + _before(after) if after else None
    listed = driver.iterate_container_objects(
        place.container, place.prefix or None, ex_start_after=start or None
    )
    missing = {key for key in bounds if key is not None}
    previous: bytes | None = None
    for obj in listed:
        entry, key = Entry.of(obj, place), name_bytes(obj.name)
        if previous is not None and key <= previous:
            raise _not_in_order(place, obj.name)
        previous = key
        missing.discard(entry.key)
        if after is not None and key <= name_bytes(place.prefix + after):
            continue
        if after in missing:
            _check_deleted(place, after)
            missing.discard(after)
        if last is not None and key > name_bytes(place.prefix + last):
            break
        yield entry
    for bound in missing:
        _check_deleted(place, bound)


def _check_deleted(place: Place, key: str) -> None:
    with contextlib.suppress(ObjectDoesNotExistError):
        place.container.get_object(place.prefix + key)
        raise _not_in_order(place, key)


def _not_in_order(place: Place, key: str) -> IncompleteListingError:
    container = place.container
    return IncompleteListingError(
        f"{container.name} does not list keys in the order of their bytes, which shows at {key!r}: "
        "start another job that lists it as a whole (list_whole=True, --list-whole)",
        container.driver,
        container.name,
        last=key,
    )


def divided(place: Place, bounds: Range, number: int) -> tuple[Range, ...]:
    """``bounds``, divided into about ``number`` ranges if the driver finds keys between them."""
    sample_keys = getattr(place.container.driver, "_sample_keys", None)
    if number <= 1 or sample_keys is None:
        return (bounds,)
    after, last = (None if key is None else place.prefix + key for key in bounds)
    names = sample_keys(place.container, place.prefix, after, last)
    step = max(1, len(names) // number)
    keys = (name[len(place.prefix) :] for name in names[::step])
    return tuple(pairwise([bounds[0], *keys, bounds[1]]))


def present(place: Place, keys: Collection[str]) -> dict[str, Entry]:
    """The objects with these keys that exist, as the store lists them."""
    # A name that is not valid UTF-8, with halves of surrogate pairs, cannot be written.
    wanted = {key for key in keys if not any("\ud800" <= char <= "\udfff" for char in key)}
    found: dict[str, Entry] = {}

    def search(prefix: str) -> None:
        found.update((one.key, one) for one in all_entries(place, prefix) if one.key in wanted)

    for _ in place.container.driver._pool.map(search, _prefixes(wanted)):
        pass
    return found


def _prefixes(keys: set[str]) -> list[str]:
    """Up to :data:`_PREFIXES` prefixes with which all keys begin, none of them twice."""
    prefixes = {""} if keys else set()
    for length in range(1, max(map(len, keys), default=0) + 1):
        longer = {key[:length] for key in keys}
        if len(longer) > _PREFIXES:
            break
        prefixes = longer
    chosen: list[str] = []
    for prefix in sorted(prefixes):
        if not chosen or not prefix.startswith(chosen[-1]):
            chosen.append(prefix)
    return chosen


def _before(key: str) -> str:
    """A key before ``key``, with hardly any others between them."""
    code = ord(key[-1]) - 1
    if code < 0 or 0xD7FF < code <= 0xDFFF:  # halves of surrogate pairs are no characters
        return key[:-1]
    return f"{key[:-1]}{chr(code)}\U0010ffff"
