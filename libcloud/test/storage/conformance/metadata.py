# SPDX-License-Identifier: Apache-2.0
"""Behaviour of metadata, content types, conditions and presigned URLs."""

from __future__ import annotations

import ssl
import urllib.request
from typing import Any

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Container
from libcloud.test.storage.conformance.harness import Harness, needs, pattern
from libcloud.test.storage.conformance.sources import cut

META = {"color": "blue", "two-words": "a b"}


def _meta(h: Harness) -> dict[str, str]:
    if "metadata_dashes" in h.features:
        return META
    return {name.replace("-", "_"): value for name, value in META.items()}


def _check(h: Harness, container: Container) -> None:
    found = h.driver.get_object(container.name, "object").meta_data
    assert {name: found.get(name) for name in _meta(h)} == _meta(h)


@needs("metadata")
def metadata_of_a_short_stream(h: Harness) -> None:
    container = h.container()
    returned = h.stream(container, "object", iter([b"x"]), extra={"meta_data": _meta(h)})
    assert returned.meta_data == _meta(h)
    _check(h, container)


@needs("metadata")
def metadata_of_a_long_stream(h: Harness) -> None:
    container = h.container()
    data = pattern(h.part_size * 2 + 1)
    h.stream(container, "object", cut(data, h.part_size), extra={"meta_data": _meta(h)})
    _check(h, container)


@needs("metadata")
def metadata_of_a_file(h: Harness) -> None:
    container = h.container()
    container.upload_object(h.file(b"x"), "object", extra={"meta_data": _meta(h)})
    _check(h, container)


@needs("metadata")
def metadata_goes_with_its_object(h: Harness) -> None:
    container = h.container()
    h.stream(container, "object", iter([b"x"]), extra={"meta_data": {"old": "1"}})
    h.stream(container, "object", iter([b"y"]), extra={"meta_data": {"new": "2"}})
    assert h.driver.get_object(container.name, "object").meta_data == {"new": "2"}


@needs("metadata")
def the_callers_dictionaries_stay_as_they_are(h: Harness) -> None:
    container = h.container()
    extra: dict[str, Any] = {"meta_data": {"owner": "alice"}, "content_type": "text/x"}
    headers = {"Cache-Control": "max-age=60"}
    container.upload_object(h.file(b"x"), "one", extra=extra, headers=headers)
    h.stream(container, "two", iter([b"x"]), extra=extra, headers=headers)
    h.stream(container, "three", iter([bytes(h.part_size + 1)]), extra=extra, headers=headers)
    assert extra == {"meta_data": {"owner": "alice"}, "content_type": "text/x"}
    assert headers == {"Cache-Control": "max-age=60"}
    h.stream(container, "four", iter([b"x"]), headers=headers)
    assert h.driver.get_object(container.name, "four").meta_data == {}


@needs("metadata")
def metadata_comes_back_as_it_was_given(h: Harness) -> None:
    container = h.container()
    texts = ("grüße", "100%", "a%20b", "%C3%BC", "a+b", " padded ", "=?UTF-8?B?eA==?=", "日本")
    given = {f"key{number}": text for number, text in enumerate(texts)}
    h.stream(container, "object", iter([b"x"]), extra={"meta_data": given})
    assert h.driver.get_object(container.name, "object").meta_data == given
    h.stream(container, "long", iter([bytes(h.part_size + 1)]), extra={"meta_data": given})
    assert h.driver.get_object(container.name, "long").meta_data == given


@needs("metadata")
def metadata_that_no_header_can_carry_is_kept_or_refused(h: Harness) -> None:
    container = h.container()
    for bad in ({"a b": "x"}, {"key": "a\r\nb: c"}, {"key": "\x00"}, {"": "x"}):
        try:
            h.stream(container, "object", iter([b"x"]), extra={"meta_data": bad})
        except ValueError as error:
            assert "metadata" in str(error)
            assert h.names(container) == []
        else:
            assert h.driver.get_object(container.name, "object").meta_data == bad


def _content_type(h: Harness, container: Container, name: str) -> object:
    return h.driver.get_object(container.name, name).extra.get("content_type")


@needs("content_type")
def the_content_type_given(h: Harness) -> None:
    container = h.container()
    extra = {"content_type": "text/x-given"}
    container.upload_object(h.file(b"x"), "file", extra=extra)
    h.stream(container, "short", iter([b"x"]), extra=extra)
    h.stream(container, "long", iter([bytes(h.part_size + 1)]), extra=extra)
    for name in ("file", "short", "long"):
        assert _content_type(h, container, name) == "text/x-given", name


@needs("content_type")
def the_content_type_guessed_from_the_name(h: Harness) -> None:
    container = h.container()
    container.upload_object(h.file(b"x", "page.html"), "page.html")
    h.stream(container, "picture.png", iter([b"x"]))
    assert _content_type(h, container, "page.html") == "text/html"
    assert _content_type(h, container, "picture.png") == "image/png"


@needs("content_type")
def the_content_type_of_the_unknown(h: Harness) -> None:
    container = h.container()
    h.stream(container, "no-suffix", iter([b"x"]))
    assert _content_type(h, container, "no-suffix") == "application/octet-stream"


@needs("conditional_writes")
def an_upload_can_refuse_to_replace(h: Harness) -> None:
    container = h.container()
    once = {"If-None-Match": "*"}
    h.stream(container, "object", iter([b"first"]), headers=once)
    with pytest.raises(LibcloudError):
        h.stream(container, "object", iter([b"second"]), headers=once)
    with pytest.raises(LibcloudError):
        container.upload_object(h.file(b"third"), "object", headers=once)
    assert h.read(container, "object") == b"first"


@needs("conditional_writes", "multipart")
def a_long_upload_can_refuse_to_replace(h: Harness) -> None:
    container = h.container()
    once = {"If-None-Match": "*"}
    data = pattern(h.part_size + 1)
    h.stream(container, "object", cut(data, h.part_size), headers=once)
    with pytest.raises(LibcloudError):
        h.stream(container, "object", iter([bytes(h.part_size * 2 + 1)]), headers=once)
    assert h.read(container, "object") == data
    assert h.unfinished(container) == []


def _anybody() -> ssl.SSLContext:
    """A client that trusts the self-signed certificates of test servers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@needs("presigned_urls")
def a_presigned_url_needs_no_credentials(h: Harness) -> None:
    container = h.container()
    for name in ("object.txt", "dir/ü b+c%20&d?e"):
        h.put(container, name, b"for everybody")
        url = h.driver.get_object_cdn_url(container.get_object(name))
        with urllib.request.urlopen(url, timeout=30, context=_anybody()) as answer:
            assert answer.read() == b"for everybody", name
