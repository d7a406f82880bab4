# SPDX-License-Identifier: Apache-2.0
"""``libcloud cp`` and ``libcloud mv``, within a store and between stores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.wire import Answer

pytestmark = pytest.mark.slow


def stored(shell: Shell, *names: str) -> None:
    for name in names:
        shell.ok("put", "-", f"s3://bucket/{name}", "--metadata", "k=v", stdin=name.encode())


def test_copies_are_server_side(shell: Shell) -> None:
    stored(shell, "a/1", "a/b/2")
    shell.ok("cp", "s3://bucket/a/1", "s3://bucket/one")
    shell.ok("cp", "s3://bucket/a/1", "s3://bucket/dir/")
    shell.ok("cp", "-r", "s3://bucket/a", "s3://bucket/copy")
    assert shell.names() == ["a/1", "a/b/2", "copy/1", "copy/b/2", "dir/1", "one"]
    assert "GetObject" not in shell.fake.log.counts()
    assert shell.body("copy/b/2") == b"a/b/2"


def test_a_copy_to_another_store_keeps_type_and_metadata(shell: Shell, other: Shell) -> None:
    stored(shell, "a/1.txt", "a/b/2")
    source = ("--from-endpoint-url", shell.endpoint.url)
    other.ok("cp", *source, "s3://bucket/a/1.txt", "s3://bucket/x/")
    other.ok("cp", "-r", *source, "s3://bucket/a", "s3://bucket")
    assert other.names() == ["1.txt", "b/2", "x/1.txt"]
    assert other.body("b/2") == b"a/b/2"
    obj = other.driver.get_object(BUCKET, "x/1.txt")
    assert (obj.meta_data, obj.extra["content_type"]) == ({"k": "v"}, "text/plain")


def test_wildcards_and_filters_select_what_is_copied(shell: Shell) -> None:
    stored(shell, "d/a.gz", "d/b.gz", "d/c.txt", "d/e/f.gz")
    shell.ok("cp", "s3://bucket/d/*.gz", "s3://bucket/x/")
    shell.ok("cp", "-r", "--exclude", "*", "--include", "*.txt", "s3://bucket/d", "s3://bucket/y")
    assert [name for name in shell.names() if name[0] in "xy"] == ["x/a.gz", "x/b.gz", "y/c.txt"]
    assert shell("cp", "s3://bucket/d/*.gz", "s3://bucket/file").status == 2


def test_a_copy_has_the_properties_that_were_requested(shell: Shell) -> None:
    stored(shell, "a")
    options = ("--metadata", "n=1", "--content-type", "text/x", "--storage-class", "standard_ia")
    shell.ok("cp", *options, "s3://bucket/a", "s3://bucket/b")
    obj = shell.driver.get_object(BUCKET, "b")
    assert (obj.meta_data, obj.extra["content_type"]) == ({"n": "1"}, "text/x")


def test_moved_objects_no_longer_exist_under_their_old_names(shell: Shell, other: Shell) -> None:
    stored(shell, "a", "d/b", "d/e/c")
    assert shell.ok("mv", "s3://bucket/a", "s3://bucket/z").err.startswith("moved s3://bucket/a to")
    shell.ok("mv", "-r", "s3://bucket/d", "s3://bucket/d/f")
    assert shell.names() == ["d/f/b", "d/f/e/c", "z"]
    source = ("--from-endpoint-url", shell.endpoint.url)
    other.ok("mv", *source, "s3://bucket/*", "s3://bucket/new/")
    assert (shell.names(), other.names()) == (["d/f/b", "d/f/e/c"], ["new/z"])
    assert other.body("new/z") == b"a"


def test_an_object_is_not_deleted_if_its_copy_fails(shell: Shell) -> None:
    stored(shell, "a", "b")
    shell.fake.faults.add("CopyObject", Status(400, "InvalidRequest"))
    result = shell("mv", "s3://bucket/*", "s3://bucket/d/")
    assert result.status == 1
    assert "moved 1 object" in result.err
    assert len(shell.names()) == 2


class Replaced(Action):
    """The source is replaced right after it was copied."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def answered(self, answer: Answer) -> Answer:
        self._shell.driver.get_container(BUCKET).upload_object_via_stream(iter([b"new"]), "a")
        return answer


@pytest.mark.parametrize("options", [(), ("--metadata", "x=y")])
def test_an_object_is_not_moved_onto_itself(shell: Shell, options: tuple[str, ...]) -> None:
    stored(shell, "a", "d/b")
    url = shell.endpoint.url
    for arguments in (
        ("s3://bucket/a", "s3://bucket/a"),
        ("s3://bucket/d/b", "s3://bucket/d/"),
        ("--from-region", "us-east-1", "s3://bucket/a", "s3://bucket"),
        ("--from-endpoint-url", url, "s3://bucket/a", "s3://bucket/a"),
    ):
        assert shell("mv", *options, *arguments).status == 2, arguments
    assert shell("mv", "-r", *options, "s3://bucket/d", "s3://bucket/d").status == 2
    assert (shell.body("a"), shell.body("d/b")) == (b"a", b"d/b")


@pytest.mark.parametrize("command", ["cp", "mv"])
@pytest.mark.parametrize("source", ["s3://bucket/x", "s3://bucket/x/**"])
def test_no_copy_replaces_an_object_that_is_to_be_copied(
    shell: Shell, command: str, source: str
) -> None:
    stored(shell, "x/a", "x/x/a")
    result = shell(command, "-r", source, "s3://bucket/x/x/")
    assert result.status == 2
    assert "s3://bucket/x/x/a is both to be copied and to be replaced" in result.err
    assert {name: shell.body(name) for name in shell.names()} == {
        name: name.encode() for name in ("x/a", "x/x/a")
    }


@pytest.mark.parametrize("command", ["cp", "mv"])
def test_no_copy_replaces_a_file_that_is_to_be_copied_from_another_container(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    files = [tmp_path / "x" / "a", tmp_path / "x" / "x" / "a"]
    files[1].parent.mkdir(parents=True)
    for file in files:
        file.write_text(str(file))
    one, two = f"file://{tmp_path}/x/", f"file://{tmp_path}/x/x/"
    result = shell(command, "-r", one, two)
    assert result.status == 2
    assert f"{two}a is both to be copied and to be replaced" in result.err
    assert [file.read_text() for file in files] == [str(file) for file in files]
    assert shell(command, f"{one}a", f"{one}./a").status == 2


def test_local_stores_with_containers_of_the_same_name_are_not_the_same(
    shell: Shell, tmp_path: Path
) -> None:
    one, two = tmp_path / "1" / "docs", tmp_path / "2" / "docs"
    for directory in (one, two):
        directory.mkdir(parents=True)
    (one / "a").write_bytes(b"a")
    shell.ok("cp", f"file://{one}/a", f"file://{two}/a")
    shell.ok("mv", f"file://{one}/a", f"file://{two}/b")
    assert sorted(path.name for path in tmp_path.glob("?/docs/*")) == ["a", "b"]


def test_an_object_is_not_moved_onto_itself_by_another_name_of_the_server(shell: Shell) -> None:
    stored(shell, "x")
    url = shell.endpoint.url.replace("127.0.0.1", "localhost")
    result = shell("mv", "--from-endpoint-url", url, "s3://bucket/x", "s3://bucket/x")
    assert result.status == 1
    assert "the same object is there already: nothing was moved" in result.err
    assert shell.body("x") == b"x"


@pytest.mark.parametrize("options", [(), ("-r",)])
def test_a_move_whose_original_cannot_be_deleted_reports_the_copy(
    shell: Shell, options: tuple[str, ...]
) -> None:
    stored(shell, "a/b")
    shell.fake.faults.add("DeleteObject", Status(403, "AccessDenied"), times=None)
    result = shell(
        "mv", *options, "s3://bucket/a" if options else "s3://bucket/a/b", "s3://bucket/c/"
    )
    assert result.status == 4
    assert "s3://bucket/c/b: copied, but the original was not deleted\n" in result.err
    assert (shell.body("a/b"), shell.body("c/b")) == (b"a/b", b"a/b")


def test_an_object_that_was_replaced_while_it_was_copied_is_kept(shell: Shell) -> None:
    stored(shell, "a")
    shell.fake.faults.add("CopyObject", Replaced(shell))
    result = shell("mv", "s3://bucket/a", "s3://bucket/b")
    assert result.status == 1
    assert "changed during the copy: the original was not deleted" in result.err
    assert (shell.body("a"), shell.body("b")) == (b"new", b"a")


def test_a_dry_run_changes_nothing(shell: Shell) -> None:
    stored(shell, "a/1", "a/2")
    lines = shell.ok("mv", "-r", "--dry-run", "s3://bucket/a", "s3://bucket/b").lines
    assert lines == [
        "would move s3://bucket/a/1 to s3://bucket/b/1",
        "would move s3://bucket/a/2 to s3://bucket/b/2",
    ]
    assert shell.names() == ["a/1", "a/2"]


def test_copies_are_reported_as_json(shell: Shell) -> None:
    stored(shell, "a")
    assert shell.ok("cp", "--json", "s3://bucket/a", "s3://bucket/b").json == [
        {
            "action": "copy",
            "source": "s3://bucket/a",
            "destination": "s3://bucket/b",
            "size": 1,
            "dry_run": False,
        }
    ]


def test_a_file_is_not_a_source(shell: Shell) -> None:
    assert "use libcloud put" in shell("cp", "file.txt", "s3://bucket/x").err


def test_the_endpoint_counts_not_its_credentials(shell: Shell) -> None:
    elsewhere = replace(shell, more={"AWS_REGION": "eu-west-1"})
    stored(elsewhere, "a")
    assert (
        elsewhere("mv", "--from-region", "us-east-1", "s3://bucket/a", "s3://bucket/a").status == 2
    )


@pytest.mark.parametrize("command", ["cp", "mv", "sync"])
def test_a_copy_in_another_store_keeps_headers_and_tags(
    shell: Shell, other: Shell, command: str
) -> None:
    given = {
        "cache_control": "max-age=60",
        "content_encoding": "gzip",
        "content_disposition": "attachment",
        "content_language": "de",
    }
    headers = [f"--header={name.replace('_', '-')}:{value}" for name, value in given.items()]
    shell.ok("put", "-", "s3://bucket/a/x", *headers, "--tag", "stage=raw", stdin=b"data")
    ends = ("s3://bucket/a", "s3://bucket/b")
    recursive = () if command == "sync" else ("--recursive",)
    other.ok(command, *recursive, "--from-endpoint-url", shell.endpoint.url, *ends)
    obj = other.driver.get_object(BUCKET, "b/x")
    assert {name: obj.extra.get(name) for name in given} == given
    assert other.driver.ex_get_object_tags(obj) == {"stage": "raw"}


def test_options_of_a_copy_replace_what_is_kept(shell: Shell, other: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", "--header=Cache-Control:a", "--tag=a=1", stdin=b"data")
    source = ("--from-endpoint-url", shell.endpoint.url, "s3://bucket/x")
    for chosen, ends in (
        (other, (*source, "s3://bucket/x")),
        (shell, (source[2], "s3://bucket/y")),
    ):
        chosen.ok("cp", *ends, "--header=cache-control:b", "--tag=b=2")
        obj = chosen.driver.get_object(BUCKET, ends[-1].rpartition("/")[2])
        assert obj.extra["cache_control"] == "b"
        assert chosen.driver.ex_get_object_tags(obj) == {"b": "2"}


@pytest.mark.parametrize("command", ["cp", "mv"])
@pytest.mark.parametrize("option", ["--no-clobber", "--if-match=0123"])
def test_a_copy_within_a_store_does_not_replace_with_no_clobber(
    shell: Shell, command: str, option: str
) -> None:
    stored(shell, "new", "old")
    result = shell(command, option, "s3://bucket/new", "s3://bucket/old")
    assert result.status == (1 if option == "--no-clobber" else 2)
    assert (shell.body("old"), shell.body("new")) == (b"old", b"new")
    if option == "--no-clobber":
        shell.ok(command, option, "s3://bucket/new", "s3://bucket/other")
        assert shell.body("other") == b"new"


def test_a_copy_must_have_the_expected_size(shell: Shell) -> None:
    stored(shell, "a")
    for option in ("--expect-size=2", "--expect-size=0"):
        assert shell("cp", option, "s3://bucket/a", "s3://bucket/b").status == 6
    assert shell.names() == ["a"]
