# SPDX-License-Identifier: Apache-2.0
"""Object names through the S3 driver: each arrives byte for byte, by either signature version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.types import InvalidObjectNameError, ObjectDoesNotExistError
from libcloud.test.storage.s3_servers import PART, Store, pattern, store

# Neither path segments nor separators, spaces nor escapes: to S3 they are characters of a name.
NAMES = [
    "../x",
    "..",
    ".",
    "./x",
    "a/./b",
    "a/../b",
    "a/..",
    "a//b",
    "//a",
    "/lead",
    "/",
    "a/",
    " ",
    "a b ",
    " a",
    "a+b",
    "a%20b",
    "100%",
    "a?b=c",
    "a?uploads",
    "a#b",
    "a&b;c=d",
    "~a/~",
    "a\\b",
    "<a>&amp;\"'",
    "é",
    "e\u0301",
    "日本/語",
    "\U0001f600",
    "\x00",
    "a\x01\x1b\x7f",
    "tab\tline\nreturn\r",
    "\ufeff\u200b",
    "a" * 1024,
]


@pytest.fixture(scope="module", params=["2", "4"])
def running(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One server for all names of a version of the signature."""
    with store(version=request.param, buckets=("bucket", "other")) as s3:
        yield s3


@pytest.fixture
def s3(running: Store) -> Store:
    """The same, empty."""
    running.server.reset()
    running.server.create_bucket("bucket", "other")
    return running


@pytest.mark.parametrize("name", NAMES)
def test_a_name_means_the_same_object_in_every_operation(
    s3: Store, name: str, tmp_path: Path
) -> None:
    s3.stream(iter([b"single"]), name)
    assert list(s3.server.objects) == [("bucket", name)]
    data = s3.in_parts(2, name)
    assert list(s3.server.objects) == [("bucket", name)]
    assert s3.body(name) == data
    found = s3.driver.get_object("bucket", name)
    assert (found.name, found.size) == (name, len(data))
    assert b"".join(found.as_stream()) == data
    assert found.download(str(tmp_path / "copy")) is True
    assert (tmp_path / "copy").read_bytes() == data
    assert [obj.name for obj in s3.container.list_objects()] == [name]
    assert [obj.name for obj in s3.container.list_objects(prefix=name)] == [name]
    assert found.delete() is True
    s3.assert_nothing_is_left()
    assert {entry.status for entry in s3.server.requests} <= {200, 204}


@pytest.mark.parametrize("name", NAMES)
def test_an_unfinished_upload_of_any_name_is_listed_and_removed(s3: Store, name: str) -> None:
    upload_id = s3.driver._initiate_multipart(s3.container, name)
    (found,) = s3.driver.ex_iterate_multipart_uploads(s3.container)
    assert (found.key, found.id) == (name, upload_id)
    s3.driver.ex_cleanup_all_multipart_uploads(s3.container)
    s3.assert_nothing_is_left()


def test_names_that_look_alike_are_different_objects(s3: Store) -> None:
    names = ["a/b", "a//b", "/a/b", "a/b/", "./a/b", "a/./b", "c/../a/b", "a%2Fb", "a/b "]
    for number, name in enumerate(names):
        s3.stream(iter([bytes([number])]), name)
    assert len(s3.server.objects) == len(names)
    for number, name in enumerate(names):
        found = s3.driver.get_object("bucket", name)
        assert b"".join(found.as_stream()) == bytes([number])
    assert s3.driver.delete_object(found)
    s3.assert_nothing_is_left(*names[:-1])


def test_no_name_leads_to_another_container(s3: Store) -> None:
    """G4."""
    s3.server.state.objects.clear()
    s3.stream(iter([b"mine"]), "../other/object")
    assert list(s3.server.objects) == [("bucket", "../other/object")]
    with pytest.raises(ObjectDoesNotExistError):
        s3.driver.get_object("other", "object")


@pytest.mark.parametrize("name", ["../x", "{folder}/x", "a/../../x", "\0"])
def test_no_name_leads_out_of_the_directory_of_a_download(
    s3: Store, name: str, tmp_path: Path
) -> None:
    """G7."""
    inside = tmp_path / "inside"
    inside.mkdir()
    name = name.format(folder=tmp_path)
    s3.stream(iter([b"evil"]), name)
    found = s3.driver.get_object("bucket", name)
    with pytest.raises(LibcloudError, match="nothing was written"):
        found.download(f"{inside}/")
    assert [path.name for path in tmp_path.rglob("*")] == ["inside"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "empty"), ("a" * 1025, "1025 bytes"), ("é" * 513, "1026 bytes"), ("a\ud800", "UTF-8")],
)
def test_a_name_that_no_store_holds_is_refused_before_anything_is_sent(
    s3: Store, name: str, why: str, tmp_path: Path
) -> None:
    taken: list[int] = []

    def source() -> Iterator[bytes]:
        taken.append(1)
        yield pattern(PART)

    path = tmp_path / "file"
    path.write_bytes(b"abc")
    by_hand = Object(name, 1, None, {}, {}, s3.container, s3.driver)
    for act in (
        lambda: s3.stream(source(), name),
        lambda: s3.driver.upload_object(str(path), s3.container, name),
        lambda: s3.container.get_object(name),
        lambda: b"".join(by_hand.as_stream()),
        by_hand.delete,
        lambda: s3.driver._initiate_multipart(s3.container, name),
    ):
        with pytest.raises(InvalidObjectNameError, match=why):
            act()
    assert s3.server.requests == []
    assert taken == []


def test_a_name_that_is_not_utf_8_is_not_given_to_a_new_object(s3: Store, tmp_path: Path) -> None:
    """As file names may be; stores that take it anyway are few."""
    s3.stream(iter([b"x"]), "object")
    found = s3.container.get_object("object")
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    before = len(s3.server.requests)
    acts: list[Callable[[], object]] = [
        lambda: s3.stream(iter([b"x"]), "a\udcff"),
        lambda: s3.driver.upload_object(str(path), s3.container, "a\udcff"),
        lambda: s3.driver.ex_open_writer(s3.container, "a\udcff"),
        lambda: s3.driver.ex_copy_object(found, s3.container, "a\udcff"),
        lambda: s3.driver._initiate_multipart(s3.container, "a\udcff"),
    ]
    for act in acts:
        with pytest.raises(InvalidObjectNameError, match="UTF-8"):
            act()
    assert len(s3.server.requests) == before
