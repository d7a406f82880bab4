# SPDX-License-Identifier: Apache-2.0
"""Behaviour of object names: the name given is the name stored, byte for byte."""

from __future__ import annotations

import contextlib

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.types import ObjectDoesNotExistError
from libcloud.test.storage.conformance.harness import Harness, needs, pattern


def _kept(h: Harness, *names: str) -> None:
    """Objects of these names can be stored side by side, listed, read and deleted."""
    container = h.container()
    for number, name in enumerate(names):
        returned = h.put(container, name, f"content {number}".encode())
        assert returned.name == name
    assert sorted(h.names(container)) == sorted(names)
    for number, name in enumerate(names):
        found = h.driver.get_object(container.name, name)
        assert found.name == name
        assert b"".join(found.as_stream()) == f"content {number}".encode(), name
    for name in names:
        assert container.get_object(name).delete() is True, name
        with pytest.raises(ObjectDoesNotExistError):
            container.get_object(name)
    assert h.names(container) == []


def names_in_many_alphabets(h: Harness) -> None:
    _kept(h, "grüße.txt", "漢字", "שלום", "🎈 balloon", "nai\u0308ve")


def names_with_spaces(h: Harness) -> None:
    _kept(h, "two words", "three  more words", "dir with space/and name")


def names_with_characters_of_urls(h: Harness) -> None:
    _kept(h, "a+b", "a%b", "a?b", "a#b", "a&b", "a;b", "a~b", "a=b", "a:b", "a@b", "a,b", "a$b")


def names_that_look_percent_encoded(h: Harness) -> None:
    _kept(h, "a%20b", "a b", "a+b", "a%2Bb", "a%2fb", "%", "%%41", "A")


def names_that_look_like_queries(h: Harness) -> None:
    _kept(h, "?uploads", "key?uploadId=1&partNumber=2", "acl", "a?versionId=x")


def names_with_characters_of_xml(h: Harness) -> None:
    _kept(h, "<tag>", "a&amp;b", 'quote"s', "apostrophe's", "]]>")


def names_with_other_punctuation(h: Harness) -> None:
    _kept(h, "(a)", "[b]", "{c}", "d!", "e*", "f|g", "h^i", "`j`", ".hidden", "k..l", "...")


def names_that_differ_in_case_only(h: Harness) -> None:
    _kept(h, "Name", "name", "NAME")


@needs("any_object_name")
def names_with_empty_segments(h: Harness) -> None:
    _kept(h, "a//b", "a/b", "a///b", "/lead", "lead", "//two", "trail/", "trail", "/", "//")


@needs("any_object_name")
def names_with_dot_segments(h: Harness) -> None:
    _kept(h, "../x", "x", "./x", "a/../x", "a/./x", "..", ".", "a/..", "../../etc/passwd")


@needs("any_object_name")
def names_with_control_characters(h: Harness) -> None:
    _kept(h, "tab\there", "bell\x07", "\x01", "\x1f\x7f", " lead", "trail ")


@needs("any_object_name", "line_breaks")
def names_with_line_breaks(h: Harness) -> None:
    _kept(h, "line\nbreak", "return\r", "\r\n\r\n")


@needs("any_object_name")
def names_that_differ_in_unicode_form_only(h: Harness) -> None:
    _kept(h, "\u00e9", "e\u0301")


@needs("any_object_name")
def the_longest_name(h: Harness) -> None:
    _kept(h, "k" * 1024, "ü" * 512)


@needs("any_object_name")
def no_name_and_too_long_a_name_are_refused_before_anything_is_sent(h: Harness) -> None:
    container = h.container()
    for name in ("", "k" * 1025, "ü" * 513):
        with pytest.raises((ValueError, LibcloudError)):
            h.put(container, name)
    assert h.names(container) == []


@needs("any_object_name")
def a_strange_name_does_not_reach_another_container(h: Harness) -> None:
    victim, container = h.container(), h.container()
    h.put(victim, "object", b"safe")
    name = f"../{victim.name}/object"
    h.put(container, name, b"elsewhere")
    assert h.read(victim, "object") == b"safe"
    container.get_object(name).delete()
    assert h.read(victim, "object") == b"safe"


@needs("any_object_name", "multipart")
def long_streams_to_strange_names(h: Harness) -> None:
    container = h.container()
    data = pattern(h.part_size + 1)
    for name in ("/a//b/../ü +%2F?x", "dir/\x01 &~"):
        h.stream(container, name, iter([data]))
        assert h.read(container, name) == data
    assert sorted(h.names(container)) == sorted(["/a//b/../ü +%2F?x", "dir/\x01 &~"])


@needs("any_object_name")
def a_download_never_leaves_its_directory(h: Harness) -> None:
    container = h.container()
    inside = h.folder / "inside"
    inside.mkdir()
    for name in ("../outside", "a/../../outside", str(h.folder / "outside")):
        stored = h.put(container, name, b"malicious")
        with pytest.raises(LibcloudError):
            stored.download(str(inside) + "/")
    assert not (h.folder / "outside").exists()


@needs(not_=["any_object_name"])
def a_name_that_is_not_promised_reaches_no_other_container(h: Harness) -> None:
    """It may be refused or kept as a name of its own; nothing else."""
    victim, container = h.container(), h.container()
    h.put(victim, "object", b"safe")
    for name in (f"../{victim.name}/object", f"a/../../{victim.name}/object"):
        with contextlib.suppress(ValueError, LibcloudError):
            h.put(container, name, b"malicious")
            assert h.read(container, name) == b"malicious"
        with contextlib.suppress(ValueError, LibcloudError):
            h.driver.get_object(container.name, name).delete()
    assert h.read(victim, "object") == b"safe"
    assert h.names(victim) == ["object"]
