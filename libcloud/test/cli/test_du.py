# SPDX-License-Identifier: Apache-2.0
"""``libcloud du`` and ``rb --force``, and what wildcards and filters select."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libcloud.test.cli.running import BUCKET, Shell

KEYS = ["2025/a.gz", "2026/a.gz", "2026/b.txt", "2026/01/c.gz", "2026*/d", "top"]


@pytest.fixture
def filled(shell: Shell) -> Iterator[Shell]:
    container = shell.driver.get_container(BUCKET)
    for size, key in enumerate(KEYS, 1):
        container.upload_object_via_stream(iter([b"x" * size]), key)
    yield shell


def du(shell: Shell, *arguments: str) -> list[tuple[str, int, int]]:
    found = shell.ok("du", "--json", *arguments).json
    return [(line["name"], line["objects"], line["size"]) for line in found]


def test_each_directory_is_summed_by_one_listing(filled: Shell) -> None:
    filled.fake.log.clear()
    assert du(filled, "s3://bucket") == [
        ("2025/", 1, 1),
        ("2026*/", 1, 5),
        ("2026/", 3, 9),
        ("s3://bucket", 6, 21),
    ]
    assert set(filled.fake.log.counts()) == {"ListObjects"}


def test_a_directory_below_is_summed(filled: Shell) -> None:
    assert du(filled, "s3://bucket/2026") == [
        ("2026/01/", 1, 4),
        ("s3://bucket/2026/", 3, 9),
    ]


@pytest.mark.parametrize(
    ("arguments", "objects", "size"),
    [
        (["s3://bucket"], 6, 21),
        (["s3://bucket/2026/*.gz"], 1, 2),
        (["s3://bucket/2026/**.gz"], 2, 6),
        (["s3://bucket/202?/*.gz"], 2, 3),
        (["s3://bucket/20[!5]6/*.gz"], 1, 2),
        (["s3://bucket/202*"], 5, 15),
        (["s3://bucket/2026*", "--literal"], 1, 5),
        (["s3://bucket", "--exclude", "*", "--include", "*.gz"], 3, 7),
        (["s3://bucket/2026", "--exclude", "01/*"], 2, 5),
    ],
)
def test_wildcards_and_filters_select_objects(
    filled: Shell, arguments: list[str], objects: int, size: int
) -> None:
    assert du(filled, "--summarize", *arguments)[0][1:] == (objects, size)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["s3://bucket/2026/*.gz"], ["2026/a.gz"]),
        (["s3://bucket/2026/**/*.gz"], ["2026/01/c.gz", "2026/a.gz"]),
        (["-r", "s3://bucket/2026/", "--exclude", "*.gz"], ["2026/b.txt"]),
        (["s3://bucket/2026/", "--exclude", "*.txt"], ["2026/01/", "2026/a.gz"]),
        (["--literal", "s3://bucket/2026*"], ["2026*/"]),
    ],
)
def test_wildcards_and_filters_select_what_is_listed(
    filled: Shell, arguments: list[str], names: list[str]
) -> None:
    assert [line["name"] for line in filled.ok("ls", "--json", *arguments).json] == names


def test_sizes_are_shown_for_people(filled: Shell) -> None:
    shell = filled
    assert shell.ok("du", "--human", "-s", "s3://bucket").lines == [
        "       21 B         6 objects  s3://bucket"
    ]


def test_nothing_selected_is_an_error(filled: Shell) -> None:
    result = filled("du", "s3://bucket/none*")
    assert (result.status, result.err) == (
        3,
        "libcloud: no objects match s3://bucket/none*; for a key that contains *, ? or [, "
        "use --literal\n",
    )


def test_wildcards_select_what_is_deleted(filled: Shell) -> None:
    lines = filled.ok("rm", "--dry-run", "s3://bucket/2026/**.gz").lines
    assert lines == [
        "would delete s3://bucket/2026/01/c.gz",
        "would delete s3://bucket/2026/a.gz",
    ]
    filled.ok("rm", "s3://bucket/2026/*.gz", "s3://bucket/202?/*.gz")
    filled.ok("rm", "--force", "s3://bucket/none*")
    filled.ok("rm", "-r", "s3://bucket/2026", "--exclude", "*.txt")
    assert filled.names() == ["2026*/d", "2026/b.txt", "top"]
    filled.ok("rm", "--literal", "s3://bucket/2026*/d")
    assert filled.names() == ["2026/b.txt", "top"]


def test_wildcards_select_what_is_downloaded(filled: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled.ok("get", "s3://bucket/2026/**.gz", str(out))
    assert sorted(found(out)) == ["01/c.gz", "a.gz"]
    filled.ok("get", "--literal", "s3://bucket/2026*/d", f"{tmp_path}/literal/")
    assert found(tmp_path / "literal") == ["d"]
    assert filled("get", "s3://bucket/none*", f"{tmp_path}/none").status == 3
    assert not (tmp_path / "none").exists()
    assert filled("get", "s3://bucket/*", "-").status == 2


def test_several_urls_are_downloaded_to_a_directory_that_is_created(
    filled: Shell, tmp_path: Path
) -> None:
    filled.ok("get", "s3://bucket/top", "s3://bucket/2025/*", f"{tmp_path}/new/directory")
    assert sorted(found(tmp_path / "new/directory")) == ["a.gz", "top"]
    filled.ok("get", "s3://bucket/top", f"{tmp_path}/other/")
    assert found(tmp_path / "other") == ["top"]
    assert filled("get", "file", "s3://bucket/top").status == 2


def found(directory: Path) -> list[str]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return [path.relative_to(directory).as_posix() for path in files]


def test_a_bucket_is_deleted_with_its_objects_and_uploads(filled: Shell) -> None:
    driver = filled.driver
    driver._initiate_multipart(driver.get_container(BUCKET), "unfinished")
    assert filled("rb", "s3://bucket").status != 0
    filled.ok("rb", "--force", "s3://bucket")
    assert driver.list_containers() == []
