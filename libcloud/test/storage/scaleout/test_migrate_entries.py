# SPDX-License-Identifier: Apache-2.0
"""Listings of a migration: no key is left out, whatever the order of the store is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.s3.names import name_bytes
from libcloud.storage.scaleout import places
from libcloud.storage.scaleout.places import Entry, Place, entries_in, present
from libcloud.storage.types import IncompleteListingError, ObjectDoesNotExistError

KEYS = st.sets(st.text(alphabet="ab/ ", min_size=1, max_size=4), min_size=1)


class SortedStore(StorageDriver):
    """Objects without data.

    :param order: the store lists keys in the order of these values.
    :param loses: as SeaweedFS 4.48, a listing from ``x`` lacks ``x/y``.
    """

    name = "sorted"

    def __init__(self, keys: set[str], order: Callable[[str], str], loses: bool = False) -> None:
        self.keys, self._order, self._loses = keys, order, loses

    def iterate_container_objects(
        self,
        container: Container,
        prefix: str | None = None,
        ex_prefix: str | None = None,
        *,
        ex_start_after: str | None = None,
    ) -> Iterator[Object]:
        start = ex_start_after or ""
        for key in sorted(self.keys, key=self._order):
            lost = self._loses and bool(start) and key.startswith(f"{start}/")
            is_after = not start or self._order(key) > self._order(start)
            if key.startswith(prefix or "") and is_after and not lost:
                yield self._object(container, key)

    def get_object(self, container_name: str, object_name: str) -> Object:
        if object_name not in self.keys:
            raise ObjectDoesNotExistError("", self, object_name)
        return self._object(Container(container_name, {}, self), object_name)

    def _object(self, container: Container, key: str) -> Object:
        return Object(key, len(key), None, {}, {}, container, self)


def place_of(driver: StorageDriver) -> Place:
    container = Container("bucket", {}, driver)
    return Place(lambda: container)


def by_bytes(key: str) -> str:
    return key


def by_path(key: str) -> str:
    """The order of a file system: what is below a directory comes right after it."""
    return key.replace("/", "\0")


def listed(place: Place, bounds: list[str]) -> list[str]:
    """All keys, by ranges that meet at ``bounds``."""
    found = []
    for after, last in zip([None, *bounds], [*bounds, None], strict=True):
        found += [entry.key for entry in entries_in(place, (after, last))]
    return found


@pytest.mark.slow
@given(KEYS, st.data())
def test_ranges_that_meet_at_any_keys_have_every_key(keys: set[str], data: st.DataObject) -> None:
    bounds = sorted(data.draw(st.sets(st.sampled_from(sorted(keys)))))
    place = place_of(SortedStore(keys, by_bytes))
    assert listed(place, bounds) == sorted(keys)


def test_a_key_right_after_a_bound_is_listed() -> None:
    assert listed(place_of(SortedStore({"a", "aa"}, by_bytes)), ["a"]) == ["a", "aa"]


@pytest.mark.parametrize(
    ("keys", "bound"),
    [
        pytest.param({"a ", "a/"}, "a ", id="the last one of a range"),
        pytest.param({"a/", "b"}, "a/", id="the first one of a range"),
    ],
)
def test_a_bound_that_is_not_listed_is_an_error(keys: set[str], bound: str) -> None:
    with pytest.raises(IncompleteListingError, match="--list-whole"):
        listed(place_of(SortedStore(keys, by_path)), [bound])


@pytest.mark.slow
@given(KEYS, st.data(), st.booleans())
def test_another_order_is_an_error_or_lists_every_key(
    keys: set[str], data: st.DataObject, loses: bool
) -> None:
    bounds = sorted(data.draw(st.sets(st.sampled_from(sorted(keys)))))
    place = place_of(SortedStore(keys, by_path, loses))
    try:
        found = listed(place, bounds)
    except IncompleteListingError as error:
        assert "--list-whole" in str(error)
    else:
        assert found == sorted(keys)


@pytest.mark.slow
@given(KEYS, st.data())
def test_a_bound_that_was_deleted_is_no_error(keys: set[str], data: st.DataObject) -> None:
    bounds = sorted(data.draw(st.sets(st.sampled_from(sorted(keys)))))
    rest = keys - set(bounds)
    assert listed(place_of(SortedStore(rest, by_bytes)), bounds) == sorted(rest)


@given(KEYS, KEYS)
def test_what_is_present_is_found_in_any_order(keys: set[str], wanted: set[str]) -> None:
    place = place_of(SortedStore(keys, by_path))
    assert set(present(place, wanted)) == keys & wanted


@given(st.sets(st.text(alphabet="ab/", min_size=1, max_size=6), min_size=1))
def test_each_key_has_exactly_one_of_the_prefixes(keys: set[str]) -> None:
    prefixes = places._prefixes(keys)
    assert all(sum(key.startswith(prefix) for prefix in prefixes) == 1 for key in keys)


@pytest.mark.parametrize("key", ["a", "ab", "a\0", "\ue000", "\U0001f600", "a\udc80", "\0"])
def test_the_key_before_a_key_is_before_it(key: str) -> None:
    assert name_bytes(places._before(key)) < name_bytes(key)


def entry(size: int = 1, content: str | None = None, modified: datetime | None = None) -> Entry:
    return Entry("a", size, None, content, modified)


MD5, OTHER, PARTS = "0" * 32, "1" * 32, "0" * 32 + "-2"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
LATER = START + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("source", "found", "same"),
    [
        (entry(content=MD5), entry(content=MD5), True),
        (entry(content=MD5), entry(content=OTHER, modified=LATER), False),
        (entry(1, MD5), entry(2, MD5), False),
        (entry(content=PARTS), entry(content=PARTS), True),
        (entry(content=PARTS), entry(content=MD5, modified=LATER), True),
        (entry(content=PARTS), entry(content=MD5, modified=START), False),
        (entry(), entry(modified=LATER), True),
        (entry(), entry(modified=START), False),
        (entry(), entry(), False),
    ],
)
def test_what_is_the_same_data(source: Entry, found: Entry, same: bool) -> None:
    assert source.is_same_data(found, START) is same
