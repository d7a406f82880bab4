# SPDX-License-Identifier: Apache-2.0
"""Stores that list other names than those with the prefix, such as ``dir/`` for ``/dir``.

Nothing that such a store lists is deleted, copied or downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import responses

from libcloud.common.types import MalformedResponseError
from libcloud.storage import azure, swift
from libcloud.storage.base import Container, iterate_directory
from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.test import MockHttp
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.azure import FakeAzure
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.swift import FakeSwift
from libcloud.test.storage.test_s3_pages import MORE, Server, page_of, upload

NAMES = ("/dir/a", "dir/b", "/dir/c")
Listing = Callable[[Container, str], Iterator[Any]]


def objects(query: dict[str, str], number: int) -> str:
    return page_of(*NAMES)


def versions(query: dict[str, str], number: int) -> str:
    return "".join(
        f"<Version><Key>{name}</Key><VersionId>v</VersionId><Size>1</Size></Version>"
        for name in NAMES
    )


def directories(query: dict[str, str], number: int) -> str:
    return "".join(f"<CommonPrefixes><Prefix>{name}/</Prefix></CommonPrefixes>" for name in NAMES)


def uploads(query: dict[str, str], number: int) -> str:
    return "".join(map(upload, NAMES))


def all_objects(container: Container, prefix: str) -> Iterator[Any]:
    return container.iterate_objects(prefix=prefix)


def ranges(container: Container, prefix: str) -> Any:
    driver: Any = container.driver
    return driver.iterate_container_objects(container, prefix, ex_list_parallel=True)


def all_versions(container: Container, prefix: str) -> Any:
    driver: Any = container.driver
    return driver.ex_iterate_object_versions(container, prefix=prefix)


def versions_of_one(container: Container, name: str) -> Any:
    driver: Any = container.driver
    return driver.ex_iterate_object_versions(container, object_name=name)


def all_uploads(container: Container, prefix: str) -> Any:
    driver: Any = container.driver
    return driver.ex_iterate_multipart_uploads(container, prefix)


S3_LISTINGS = [
    ("ListBucketResult", objects, all_objects),
    ("ListBucketResult", objects, ranges),
    ("ListBucketResult", objects, iterate_directory),
    ("ListBucketResult", directories, iterate_directory),
    ("ListVersionsResult", versions, all_versions),
    ("ListVersionsResult", versions, versions_of_one),
    ("ListMultipartUploadsResult", uploads, all_uploads),
]


def refused(listing: Iterator[Any]) -> None:
    with pytest.raises(
        MalformedResponseError, match="does not begin with the requested prefix '/dir"
    ):
        next(listing)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("root", "pages", "listing"), S3_LISTINGS)
def test_s3_lists_no_name_without_the_prefix(
    root: str, pages: Callable[[dict[str, str], int], str], listing: Listing, version: int
) -> None:
    with Server(pages, root) as server:
        refused(listing(server.container(version), "/dir/"))


def test_objects_in_the_usual_form_are_checked() -> None:
    """Their page is scanned, and not parsed."""
    more = "<LastModified>2026-11-30T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
    page = "".join(
        f"<Contents><Key>{name}</Key>{more}<Size>1</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents>"
        for name in NAMES
    )
    with Server(lambda query, number: page) as server:
        refused(server.container().iterate_objects(prefix="/dir/"))


def test_uploads_without_the_prefix_are_not_aborted() -> None:
    with Server(uploads, "ListMultipartUploadsResult") as server:
        container: Any = server.container()
        with pytest.raises(MalformedResponseError):
            container.driver.ex_cleanup_all_multipart_uploads(container, "/dir/")
        assert server.deleted == []


def test_a_later_page_is_checked() -> None:
    token = "<NextContinuationToken>t</NextContinuationToken>"
    pages = {1: MORE + token + page_of("/dir/a"), 2: page_of("dir/b")}
    with Server(lambda query, number: pages[number]) as server:
        listing = server.container().iterate_objects(prefix="/dir/")
        assert next(listing).name == "/dir/a"
        refused(listing)


def ignore_prefix(monkeypatch: pytest.MonkeyPatch, requests: Any, name: str, value: Any) -> None:
    request = getattr(requests, name)
    monkeypatch.setattr(
        requests, name, lambda *path, **rest: request(*path, **{**rest, "prefix": value})
    )


@pytest.mark.parametrize("listing", [all_objects, iterate_directory])
def test_azure_lists_no_name_without_the_prefix(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeAzure() as fake:
        fake.create_container("docs")
        container = Container("docs", {}, fake.connect())
        for name in NAMES:
            container.upload_object_via_stream(iter([b"x"]), name)
        ignore_prefix(monkeypatch, azure.requests, "list_blobs", None)
        refused(listing(container, "/dir/"))


def test_swift_lists_no_name_without_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeSwift() as fake:
        container = fake.connect().create_container("docs")
        for name in NAMES:
            container.upload_object_via_stream(iter([b"x"]), name)
        ignore_prefix(monkeypatch, swift.requests, "list_objects", "")
        refused(container.iterate_objects(prefix="/dir/"))


@pytest.mark.parametrize("use", ["rm", "get", "find"])
def test_the_file_system_uses_none_of_the_names(use: str, tmp_path: Path) -> None:
    with Server(objects) as server:
        fs = LibcloudFileSystem(driver=server.driver(), skip_instance_cache=True)
        target = (str(tmp_path / "copy"),) if use == "get" else ()
        act = partial(getattr(fs, use), "bucket//dir", *target)
        with pytest.raises((MalformedResponseError, OSError), match="does not begin"):
            act(**({} if use == "find" else {"recursive": True}))
        assert server.deleted == []
        assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("rm", "--recursive", "s3://bucket//dir"),
        ("get", "--recursive", "s3://bucket//dir", "copy"),
        ("cp", "--recursive", "s3://bucket//dir", "s3://bucket/copy"),
        ("sync", "s3://bucket//dir", "copy"),
    ],
    ids=" ".join,
)
def test_the_command_uses_none_of_the_names(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Server(objects) as server:
        endpoint = Endpoint("pages", "127.0.0.1", server.port, key="key", secret="secret")
        result = Shell(endpoint, tmp_path)(*arguments)
        assert result.status == 1
        assert "does not begin with the requested prefix '/dir" in result.err
        assert server.deleted == []
        assert {request.method for request in server.requests} <= {"GET", "HEAD"}
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def listed_by_a_mock() -> list[str]:
    driver = S3StorageDriver("key", "secret")
    container = Container("bucket", {}, driver)
    return [obj.name for obj in driver.iterate_container_objects(container, prefix="none")]


LISTED = f"<ListBucketResult>{page_of(*NAMES)}</ListBucketResult>"


class ListsTheSame(MockHttp):
    """Lists the same objects for any prefix, as in tests for Apache Libcloud."""

    def _bucket(self, method: str, url: str, body: Any, headers: Any) -> Any:
        return 200, LISTED, {}, "OK"


def test_a_mock_of_connections_may_list_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3StorageDriver.connectionCls, "conn_class", ListsTheSame)
    assert listed_by_a_mock() == list(NAMES)


@responses.activate
def test_a_mock_of_requests_may_list_any_name() -> None:
    responses.get("https://s3.amazonaws.com/bucket", body=LISTED)
    assert listed_by_a_mock() == list(NAMES)
