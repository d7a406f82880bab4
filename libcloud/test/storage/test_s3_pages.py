# SPDX-License-Identifier: Apache-2.0
"""Listings in pages: all that the store has, or an error that says how far it got."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from libcloud.storage.base import Container, iterate_directory
from libcloud.storage.drivers.s3 import S3MultipartUpload, S3StorageDriver
from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.s3 import profiles
from libcloud.storage.types import IncompleteListingError
from libcloud.test._loopback import Loopback, Received, reply
from libcloud.test.cli.running import Shell
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.s3_servers import with_small_parts

MORE = "<IsTruncated>true</IsTruncated>"
Pages = Callable[[dict[str, str], int], str]


def page_of(*keys: str) -> str:
    return "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)


class Server(Loopback):
    """Answers listings with what ``pages`` makes of the query and the number of the request."""

    def __init__(self, pages: Pages, root: str = "ListBucketResult") -> None:
        super().__init__(self._listing)
        self.pages, self.root = pages, root
        self.deleted: list[str] = []

    def __enter__(self) -> Server:
        super().__enter__()
        return self

    def _listing(self, request: Received) -> bytes:
        target = urlsplit(request.target)
        if request.method == "DELETE" or "delete" in target.query.split("&"):
            self.deleted.append(request.target)
            return reply(204)
        if request.method != "GET" or target.path.count("/") > 1:
            return reply(200, b"x", {"ETag": '"e"', "Content-Length": "1"})
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        content = self.pages(query, len(self.requests))
        body = f"<{self.root}>{content}</{self.root}>".encode()
        return reply(200, body, {"Content-Type": "application/xml"})

    def driver(self, version: int = 2) -> Any:
        """A driver for it.

        :param version: of the listing of objects.
        """
        kind = with_small_parts(S3StorageDriver)
        if version == 1:
            kind = type("Version1", (kind,), {"profile": profiles.RGW})
        return kind("key", "secret", secure=False, host="127.0.0.1", port=self.port)

    def container(self, version: int = 2) -> Container:
        return Container("bucket", {}, self.driver(version))


def failing(listing: Iterator[Any]) -> tuple[list[Any], IncompleteListingError]:
    """What ``listing`` gives before its error, and the error."""
    found = []
    with pytest.raises(IncompleteListingError) as caught:
        for one in islice(listing, 100):
            found.append(one)
    return found, caught.value


STUCK = {
    "no marker": lambda query, number: MORE,
    "the same token": lambda query, number: (
        MORE + "<NextContinuationToken>t</NextContinuationToken>"
    ),
    "the same marker": lambda query, number: MORE + "<NextMarker>m</NextMarker>",
    "the same page": lambda query, number: MORE + page_of("a", "b"),
    "two tokens in turns": lambda query, number: (
        f"{MORE}<NextContinuationToken>{number % 2}</NextContinuationToken>{page_of('k')}"
    ),
    "five markers in turns": lambda query, number: (
        f"{MORE}<NextMarker>{number % 5}</NextMarker>{page_of('k')}"
    ),
    "back to the first page": lambda query, number: (
        MORE + page_of("c") if number < 3 else MORE + page_of("a")
    ),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("pages", STUCK.values(), ids=STUCK)
def test_a_listing_that_cannot_continue_is_an_error(pages: Pages, version: int) -> None:
    with Server(pages) as server:
        failing(server.container(version).iterate_objects())
        assert len(server.requests) <= 7


@pytest.mark.parametrize("pages", STUCK.values(), ids=STUCK)
def test_one_level_that_cannot_continue_is_an_error(pages: Pages) -> None:
    with Server(pages) as server:
        failing(iterate_directory(server.container(), ""))


def test_the_error_names_the_last_key_of_the_listing() -> None:
    with Server(lambda query, number: MORE + page_of("a", "b" if number == 1 else "é")) as server:
        found, error = failing(server.container(1).iterate_objects())
    assert [obj.name for obj in found] == ["a", "b", "a", "é"]
    assert (error.container_name, error.entries, error.pages) == ("bucket", 4, 3)
    assert error.last == "é"
    assert "container bucket" in str(error)
    assert "as far as 'é': 4 entries in 3 pages" in str(error)
    assert "ex_s3_profile" in str(error)


def test_the_error_can_be_pickled() -> None:
    error = IncompleteListingError("why", None, "bucket", entries=3, pages=2, last="k")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.value, copy.container_name) == ("why", "bucket")
    assert (copy.entries, copy.pages, copy.last) == (3, 2, "k")


# What looks like that and is not.


@pytest.mark.parametrize("version", [1, 2])
def test_empty_pages_with_new_markers_are_passed(version: int) -> None:
    """As where many deleted versions stand before the next object."""
    name = "NextMarker" if version == 1 else "NextContinuationToken"

    def pages(query: dict[str, str], number: int) -> str:
        return f"{MORE}<{name}>m{number}</{name}>" if number < 4 else page_of("last")

    with Server(pages) as server:
        assert [obj.name for obj in server.container(version).iterate_objects()] == ["last"]


@pytest.mark.parametrize("version", [1, 2])
def test_the_last_name_leads_on_where_the_store_names_no_marker(version: int) -> None:
    keys = ["a", "b+c", "d%", "é"]

    def pages(query: dict[str, str], number: int) -> str:
        after = query.get("marker" if version == 1 else "start-after", "")
        rest = [key for key in keys if key.encode() > after.encode()]
        return (MORE if len(rest) > 1 else "") + page_of(*rest[:1])

    with Server(pages) as server:
        assert [obj.name for obj in server.container(version).iterate_objects()] == keys


def test_a_page_without_is_truncated_continues_at_its_token() -> None:
    def pages(query: dict[str, str], number: int) -> str:
        if "continuation-token" in query:
            return page_of("b")
        return page_of("a") + "<NextContinuationToken>t</NextContinuationToken>"

    with Server(pages) as server:
        assert [obj.name for obj in server.container().iterate_objects()] == ["a", "b"]


# Other listings.


def upload(key: str, upload_id: str = "u") -> str:
    return f"<Upload><Key>{key}</Key><UploadId>{upload_id}</UploadId></Upload>"


@pytest.mark.parametrize(
    "markers",
    [
        "",
        "<NextKeyMarker>k</NextKeyMarker>",
        "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>",
        "<NextUploadIdMarker>u</NextUploadIdMarker>",
    ],
)
@pytest.mark.parametrize("entries", ["", upload("k")])
def test_a_listing_of_uploads_that_cannot_continue_is_an_error(markers: str, entries: str) -> None:
    def pages(query: dict[str, str], number: int) -> str:
        return MORE + markers + entries

    with Server(pages, "ListMultipartUploadsResult") as server:
        driver = server.driver()
        container = Container("bucket", {}, driver)
        failing(driver.ex_iterate_multipart_uploads(container))
        with pytest.raises(IncompleteListingError):
            driver.ex_cleanup_multipart_uploads(container)
        assert server.deleted == []
        with pytest.raises(IncompleteListingError):
            driver.ex_cleanup_all_multipart_uploads(container)


def test_a_listing_of_parts_in_turns_is_an_error() -> None:
    def pages(query: dict[str, str], number: int) -> str:
        part = f"<Part><PartNumber>{number}</PartNumber><Size>1</Size></Part>"
        return f"{MORE}<NextPartNumberMarker>{number % 3 + 1}</NextPartNumberMarker>{part}"

    with Server(pages, "ListPartsResult") as server:
        server.answer = lambda request: reply(
            200,
            f"<ListPartsResult>{pages({}, len(server.requests))}</ListPartsResult>".encode(),
        )
        container = server.container()
        made = S3MultipartUpload("key", "u", None, None, None)
        found, error = failing(container.driver.ex_list_parts(container, made))  # type: ignore[attr-defined]
        assert [part.number for part in found] == [1, 2, 3, 4]
        assert error.last == "4"


def buckets(*names: str) -> str:
    listed = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in names)
    return f"<Buckets>{listed}</Buckets>"


@pytest.mark.parametrize("version", [1, 2])
def test_all_pages_of_the_containers_are_read(version: int) -> None:
    def pages(query: dict[str, str], number: int) -> str:
        following = {"": ("a", "x+/="), "x+/=": ("b", "y"), "y": ("c", "")}
        name, token = following[query.get("continuation-token", "")]
        return buckets(name) + (f"<ContinuationToken>{token}</ContinuationToken>" if token else "")

    with Server(pages, "ListAllMyBucketsResult") as server:
        driver = server.driver(version)
        assert [one.name for one in driver.list_containers()] == ["a", "b", "c"]
        assert server.requests[0].target == "/"
        assert LibcloudFileSystem(driver=driver).ls("", detail=False) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "rest", ["<ContinuationToken>same</ContinuationToken>", "<IsTruncated>true</IsTruncated>"]
)
def test_a_list_of_containers_that_cannot_continue_is_an_error(rest: str) -> None:
    with Server(lambda query, number: buckets("a") + rest, "ListAllMyBucketsResult") as server:
        _, error = failing(server.driver().iterate_containers())
        assert error.container_name == ""
        assert error.last == "a"


# Those who use listings.


def stuck(query: dict[str, str], number: int) -> str:
    return MORE + page_of("dir/a", "dir/b")


@pytest.mark.parametrize("use", ["find", "ls", "walk", "glob", "du", "get", "rm", "expand_path"])
def test_the_file_system_takes_no_part_for_the_whole(use: str, tmp_path: Path) -> None:
    acts: dict[str, Callable[[Any], object]] = {
        "find": lambda fs: fs.find("bucket/dir"),
        "ls": lambda fs: fs.ls("bucket/dir"),
        "walk": lambda fs: list(fs.walk("bucket/dir")),
        "glob": lambda fs: fs.glob("bucket/dir/*"),
        "du": lambda fs: fs.du("bucket/dir"),
        "get": lambda fs: fs.get("bucket/dir", str(tmp_path / "copy"), recursive=True),
        "rm": lambda fs: fs.rm("bucket/dir", recursive=True),
        "expand_path": lambda fs: fs.expand_path("bucket/dir", recursive=True),
    }
    with Server(stuck) as server:
        with pytest.raises(IncompleteListingError):
            acts[use](LibcloudFileSystem(driver=server.driver(), skip_instance_cache=True))
        assert server.deleted == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", "s3://bucket/dir/"),
        ("ls", "--recursive", "s3://bucket"),
        ("get", "--recursive", "s3://bucket/dir", "copy"),
        ("rm", "--recursive", "s3://bucket/dir"),
    ],
    ids=" ".join,
)
def test_the_command_takes_no_part_for_the_whole(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Server(stuck) as server:
        endpoint = Endpoint("pages", "127.0.0.1", server.port, key="key", secret="secret")
        result = Shell(endpoint, tmp_path)(*arguments)
    assert result.status == 1
    assert "reports more entries" in result.err
    assert server.deleted == []
