# SPDX-License-Identifier: Apache-2.0
"""Behaviour of listings and of deletion."""

from __future__ import annotations

import pytest

from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.conformance.harness import Harness, needs

MANY = 25


def objects_are_listed_with_name_and_size(h: Harness) -> None:
    container = h.container()
    for name, size in (("a", 0), ("b", 1), ("c", 10)):
        h.put(container, name, b"x" * size)
    listed = h.driver.list_container_objects(container)
    assert [(found.name, found.size) for found in listed] == [("a", 0), ("b", 1), ("c", 10)]
    assert {found.container.name for found in listed} == {container.name}


def objects_are_listed_in_order_of_their_names(h: Harness) -> None:
    container = h.container()
    names = ["b", "a", "Z", "10", "9", "é", "~", "a-b", "aa"]
    for name in names:
        h.put(container, name)
    assert h.names(container) == sorted(names, key=str.encode)


def more_objects_than_a_page(h: Harness) -> None:
    container = h.container()
    names = [f"object {number:03d}" for number in range(MANY)]
    for name in names:
        h.put(container, name, b"")
    assert h.names(container) == names
    assert h.names(container, prefix="object 01") == names[10:20]


def listing_may_stop_early(h: Harness) -> None:
    container = h.container()
    for name in ("a", "b", "c"):
        h.put(container, name)
    assert next(iter(container.iterate_objects())).name == "a"


def a_listed_object_is_the_object(h: Harness) -> None:
    container = h.container()
    h.put(container, "object", b"hello")
    (listed,) = container.list_objects()
    found = container.get_object("object")
    assert (listed.name, listed.size, listed.hash) == (found.name, found.size, found.hash)
    assert b"".join(listed.as_stream()) == b"hello"


def a_prefix_selects_by_the_beginning_of_the_name(h: Harness) -> None:
    container = h.container()
    for name in ("log-1", "log-2", "logs", "other", "a log"):
        h.put(container, name)
    assert h.names(container, prefix="log") == ["log-1", "log-2", "logs"]
    assert h.names(container, prefix="log-") == ["log-1", "log-2"]
    assert h.names(container, prefix="log-1") == ["log-1"]
    assert h.names(container, prefix="none") == []
    assert len(h.names(container, prefix="")) == 5


def a_prefix_is_plain_text(h: Harness) -> None:
    container = h.container()
    names = ["a+b c", "a%20b", "a&b=c", "a?b", "ü-1"]
    for name in names:
        h.put(container, name)
    for prefix in ("a+", "a%", "a&b=", "a?", "ü"):
        assert h.names(container, prefix=prefix) == [
            name for name in names if name.startswith(prefix)
        ]


def names_with_slashes_are_listed_flat(h: Harness) -> None:
    container = h.container()
    for name in ("top", "dir/one", "dir/two", "dir/sub/three", "dirt"):
        h.put(container, name)
    everything = ["dir/one", "dir/sub/three", "dir/two", "dirt", "top"]
    assert h.names(container) == everything
    assert h.names(container, prefix="dir/") == everything[:3]
    assert h.names(container, prefix="dir/sub/") == ["dir/sub/three"]


@needs("nested_names")
def a_name_may_continue_another_after_a_slash(h: Harness) -> None:
    container = h.container()
    h.put(container, "x", b"outer")
    h.put(container, "x/child", b"inner")
    assert h.names(container) == ["x", "x/child"]
    assert (h.read(container, "x"), h.read(container, "x/child")) == (b"outer", b"inner")


def the_old_prefix_argument_still_works_and_warns(h: Harness) -> None:
    container = h.container()
    h.put(container, "a1")
    h.put(container, "b1")
    with pytest.warns(DeprecationWarning):
        listed = h.driver.list_container_objects(container, ex_prefix="b")
    assert [found.name for found in listed] == ["b1"]


def a_missing_object_is_reported_by_name(h: Harness) -> None:
    container = h.container()
    with pytest.raises(ObjectDoesNotExistError) as caught:
        h.driver.get_object(container.name, "no such object")
    assert caught.value.object_name == "no such object"


def a_deleted_object_is_gone_and_others_stay(h: Harness) -> None:
    container = h.container()
    for name in ("a", "ab", "b"):
        h.put(container, name)
    assert h.driver.delete_object(container.get_object("a")) is True
    assert h.names(container) == ["ab", "b"]
    with pytest.raises(ObjectDoesNotExistError):
        container.get_object("a")


def a_deleted_object_can_be_uploaded_again(h: Harness) -> None:
    container = h.container()
    stored = h.put(container, "object", b"first")
    assert stored.delete() is True
    h.put(container, "object", b"second")
    assert h.read(container, "object") == b"second"


def an_emptied_container_can_be_deleted(h: Harness) -> None:
    container = h.container()
    for name in ("top", "dir/one", "dir/sub/two"):
        h.put(container, name)
    for found in container.list_objects():
        found.delete()
    assert container.delete() is True


def containers_do_not_share_names(h: Harness) -> None:
    one, two = h.container(), h.container()
    h.put(one, "object", b"one")
    h.put(two, "object", b"two")
    one.get_object("object").delete()
    assert (h.names(one), h.read(two, "object")) == ([], b"two")
