# SPDX-License-Identifier: Apache-2.0
"""``put``, ``get`` and ``cat`` on a server that checks its requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from libcloud.storage.capabilities import MIB
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.faults import Action, Status
from libcloud.test.storage.fakes.wire import Answer

# More than two parts of the smallest size.
LARGE = pattern(12 * MIB + 1)


@dataclass(frozen=True)
class Appearing(Action):
    """Another program creates a file during the request."""

    path: Path

    def answered(self, answer: Answer) -> Answer:
        self.path.write_bytes(b"made meanwhile")
        return answer


ODD_NAMES = [
    "with space and ünïcödé 名",
    "100%?#&=+;:@[]{}|<>'\"\\^`~",
    "%2F%20",
    "tab\tand\nnewline",
    "-",
    "--help",
]


def test_standard_input_of_unknown_length_round_trips(shell: Shell) -> None:
    result = shell.ok("put", "-", "s3://bucket/large", "--part-size", "5MiB", stdin=LARGE)
    assert result.out == b""
    assert result.err.startswith("stored s3://bucket/large: 12.0 MiB in 3 parts, ")
    assert shell.ok("get", "s3://bucket/large", "-").out == LARGE
    assert shell.ok("cat", "s3://bucket/large", "s3://bucket/large").out == LARGE + LARGE


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_key_is_not_decoded(shell: Shell, name: str, tmp_path: Path) -> None:
    shell.ok("put", "-", f"s3://bucket/{name}", stdin=b"data")
    assert shell.names() == [name]
    target = tmp_path / "target"
    shell.ok("get", "--literal", f"s3://bucket/{name}", str(target))
    assert target.read_bytes() == b"data"


def test_objects_are_named_after_their_files(shell: Shell, tmp_path: Path) -> None:
    for name in ("a.txt", "b.json"):
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / "a.txt"), str(tmp_path / "b.json")]
    result = shell.ok("put", *paths, "s3://bucket/in/")
    assert "stored 2 objects in s3://bucket/in/" in result.err
    assert shell.names() == ["in/a.txt", "in/b.json"]
    kind = shell.ok("stat", "--json", "s3://bucket/in/b.json").json[0]["content_type"]
    assert kind == "application/json"


def test_a_directory_round_trips(shell: Shell, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for name in ("top", "deep/er/file", "deep/empty"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name if "empty" not in name else "")
    shell.ok("put", "-r", str(source), "s3://bucket/tree")
    assert shell.names() == ["tree/deep/empty", "tree/deep/er/file", "tree/top"]
    shell.ok("get", "-r", "s3://bucket/tree", str(target))
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {"top", "deep/er/file", "deep/empty"}
    assert (target / "deep/er/file").read_text() == "deep/er/file"


def test_a_directory_excludes_keys_that_merely_share_its_prefix(
    shell: Shell, tmp_path: Path
) -> None:
    for name in ("log/1", "logs/2", "log"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=b"x")
    shell.ok("get", "-r", "s3://bucket/log", str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1"]
    shell.ok("rm", "-r", "s3://bucket/log")
    assert shell.names() == ["log", "logs/2"]


@pytest.mark.parametrize("name", ["a/../../evil", "{folder}/evil", "..", "a/.."])
def test_no_key_is_written_outside_the_destination(shell: Shell, name: str, tmp_path: Path) -> None:
    container = shell.driver.get_container("bucket")
    for one in (f"in/{name.format(folder=tmp_path)}", "in/good"):
        shell.driver.upload_object_via_stream(iter([b"x"]), container, one)
    destination = tmp_path / "one" / "two"
    destination.mkdir(parents=True)
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    result = shell("get", "-r", "s3://bucket/in", str(destination))
    assert result.status == 1
    assert "leads out of" in result.err or "names no file" in result.err
    after = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    assert after - before == {destination / "good"}


def test_the_file_of_a_single_object_is_named_after_the_last_part_of_its_key(
    shell: Shell, tmp_path: Path
) -> None:
    shell.ok("put", "-", "s3://bucket/a/b/c", stdin=b"x")
    shell.ok("get", "s3://bucket/a/b/c", str(tmp_path))
    assert (tmp_path / "c").read_bytes() == b"x"


def test_the_marker_of_a_directory_has_no_file(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell.driver.get_container(BUCKET).upload_object_via_stream(iter([b"x"]), "a/")
    result = shell("get", "s3://bucket/a/")
    assert result.status == 2
    assert "s3://bucket/a/ is a directory: use --recursive" in result.err
    shell.ok("get", "s3://bucket/a/", "file")
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.parametrize(
    "arguments", [("-r",), ("-r", "--dry-run"), ("s3://bucket/a/b",)], ids=" ".join
)
def test_several_objects_are_not_downloaded_to_a_file(
    shell: Shell, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    shell.ok("put", "-", "s3://bucket/a/b", stdin=b"x")
    (tmp_path / "file").touch()
    result = shell("get", *arguments, "s3://bucket/a", str(tmp_path / "file"))
    assert result.status == 2
    assert f"{tmp_path}/file is not a directory" in result.err


@pytest.mark.parametrize(
    ("span", "expected"),
    [("0-4", b"01234"), ("7-", b"789"), ("-2", b"89"), ("5-100", b"56789"), ("0-0", b"0")],
)
def test_ranges_have_the_syntax_of_http(
    shell: Shell, span: str, expected: bytes, tmp_path: Path
) -> None:
    shell.ok("put", "-", "s3://bucket/digits", stdin=b"0123456789")
    assert shell.ok("cat", "--range", span, "s3://bucket/digits").out == expected
    target = tmp_path / "target"
    shell.ok("get", "--range", span, "s3://bucket/digits", str(target))
    assert target.read_bytes() == expected


@pytest.mark.parametrize("span", ["", "-", "a-b", "5", "10-", "5-4"])
def test_an_invalid_range_is_rejected(shell: Shell, span: str) -> None:
    shell.ok("put", "-", "s3://bucket/digits", stdin=b"0123456789")
    assert shell("cat", "--range", span, "s3://bucket/digits").status == 2


def test_no_clobber_keeps_an_existing_file(shell: Shell, tmp_path: Path) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"new")
    target = tmp_path / "x"
    target.write_bytes(b"old")
    assert shell("get", "--no-clobber", "s3://bucket/x", str(target)).status == 1
    assert target.read_bytes() == b"old"
    shell.ok("get", "s3://bucket/x", str(target))
    assert target.read_bytes() == b"new"


def test_no_clobber_keeps_an_existing_object(shell: Shell) -> None:
    shell.ok("put", "-", "s3://bucket/x", stdin=b"old")
    result = shell("put", "--no-clobber", "-", "s3://bucket/x", stdin=b"new")
    assert result.status == 1
    assert "was not replaced" in result.err
    assert shell.body("x") == b"old"


def test_an_input_of_another_size_stores_nothing(shell: Shell) -> None:
    for data in (LARGE[:-1], LARGE + b"!"):
        options = ["--expect-size", str(len(LARGE)), "--part-size", "5MiB"]
        result = shell("put", *options, "-", "s3://bucket/x", stdin=data)
        assert result.status == 6
        assert "nothing was stored" in result.err
    assert shell.names() == []
    assert shell.unfinished() == []
    shell.ok("put", "--expect-size", str(len(LARGE)), "-", "s3://bucket/x", stdin=LARGE)
    assert shell.body("x") == LARGE


def test_an_empty_input_is_stored_unless_forbidden(shell: Shell) -> None:
    assert shell("put", "--fail-on-empty", "-", "s3://bucket/x").status == 6
    assert shell.names() == []
    shell.ok("put", "-", "s3://bucket/x")
    assert shell.ok("cat", "s3://bucket/x").out == b""


def test_metadata_and_type_are_stored(shell: Shell) -> None:
    options = ["--metadata", "who=me=you", "--content-type", "text/x"]
    shell.ok("put", *options, "-", "s3://bucket/x", stdin=b"x")
    facts = shell.ok("stat", "--json", "s3://bucket/x").json[0]
    assert facts["metadata"] == {"who": "me=you"}
    assert facts["content_type"] == "text/x"


@pytest.mark.slow
def test_of_several_keys_for_one_file_only_the_first_is_downloaded(
    shell: Shell, tmp_path: Path
) -> None:
    for number, name in enumerate(("d/a/b", "d/a//b", "d/a/./b", "d/c")):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=str(number).encode())

    result = shell("get", "--recursive", "s3://bucket/d", str(tmp_path / "out"))

    assert result.status == 1
    assert "downloaded 2 objects to" in result.err
    assert "s3://bucket/d/a//b: not downloaded: another object maps to the same file" in result.err
    assert "s3://bucket/d/a/b: not downloaded" in result.err
    assert (tmp_path / "out/a/b").read_bytes() == b"2"  # the store lists a/./b first
    assert (tmp_path / "out/c").read_bytes() == b"3"


@pytest.mark.parametrize("urls", [("d/x", "e/x"), ("-r", "d", "e"), ("d/*", "e/*")])
def test_of_objects_at_several_urls_that_map_to_one_file_the_first_is_kept(
    shell: Shell, tmp_path: Path, urls: tuple[str, ...]
) -> None:
    for name in ("d/x", "e/x"):
        shell.ok("put", "-", f"s3://bucket/{name}", stdin=name.encode())
    places = [one if one.startswith("-") else f"s3://bucket/{one}" for one in urls]
    result = shell("get", *places, str(tmp_path))
    assert result.status == 1
    assert "s3://bucket/e/x: not downloaded: another object maps to the same file" in result.err
    assert (tmp_path / "x").read_bytes() == b"d/x"


def test_no_clobber_keeps_a_file_that_appears_during_the_download(
    shell: Shell, tmp_path: Path
) -> None:
    shell.ok("put", "-", "s3://bucket/large", "--part-size", "5MiB", stdin=LARGE)
    path = tmp_path / "file"
    appearing = Appearing(path)
    for arguments in ((), ("--range", "0-9")):
        path.unlink(missing_ok=True)
        shell.fake.faults.add("GetObject", appearing)
        url = "s3://bucket/large"
        result = shell("get", "--no-clobber", *arguments, url, str(path))
        assert result.status == 1
        assert "the file exists and was not replaced (--no-clobber)" in result.err
        assert path.read_bytes() == b"made meanwhile"


def test_a_large_object_is_downloaded_over_several_connections(
    shell: Shell, tmp_path: Path
) -> None:
    data = pattern(40 * MIB + 3)
    shell.ok("put", "-q", "-", "s3://bucket/d/x", stdin=data)
    arguments = ("--window", "4", "--json-progress", "-r", "s3://bucket/d", str(tmp_path / "out"))
    result = shell.ok("get", *arguments)
    assert json.loads(result.err.splitlines()[-1])["bytes"] == len(data)
    assert (tmp_path / "out" / "x").read_bytes() == data
    reads = [one for one in shell.fake.requests if one.operation == "GetObject"]
    assert sum("range" in one.headers for one in reads) > 1
    shell.ok("get", "--window", "1", "s3://bucket/d/x", str(tmp_path / "one"))
    assert (tmp_path / "one").read_bytes() == data
    assert "range" not in shell.fake.requests[-1].headers


def test_a_download_that_fails_leaves_no_directory(shell: Shell, tmp_path: Path) -> None:
    shell.ok("put", "-q", "-", "s3://bucket/d/e/f/x", stdin=b"data")
    shell.fake.faults.add("GetObject", Status(403, "AccessDenied"), times=None)
    assert shell("get", "-r", "s3://bucket/d", str(tmp_path / "out")).status != 0
    assert [*(tmp_path / "out").iterdir()] == []


def test_a_local_directory_is_a_store(shell: Shell, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/box"
    shell.ok("mb", f"{url}/")
    shell.ok("put", "-", f"{url}/x", stdin=b"data")
    assert (tmp_path / "box" / "x").read_bytes() == b"data"
    assert shell.ok("cat", f"{url}/x").out == b"data"
    assert shell.ok("ls", "--json", f"{url}/").json[0]["name"] == "x"
    shell.ok("rm", f"{url}/x")
    shell.ok("rb", f"{url}/")
    assert not (tmp_path / "box").exists()


def test_progress_is_printed_as_json(shell: Shell) -> None:
    options = ["--json-progress", "--part-size", "5MiB"]
    result = shell.ok("put", *options, "-", "s3://bucket/x", stdin=LARGE)
    events = [json.loads(line) for line in result.err.splitlines()]
    assert [event["event"] for event in events] == ["progress"] * 3 + ["done"]
    assert events[-1]["bytes"] == len(LARGE)
    assert events[-1]["parts"] == 3


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("put", "{path}/a", "s3://bucket/y"), "s3://bucket/y"),
        (("put", "-r", "{path}", "s3://bucket/d/"), "s3://bucket/d/"),
        (("get", "-r", "s3://bucket/x/", "{path}/new"), "s3://bucket/x/"),
        (("cp", "-r", "s3://bucket/x/", "s3://bucket/z/"), "s3://bucket/x/"),
        (("sync", "s3://bucket/x/", "{path}/new"), "s3://bucket/x/"),
    ],
)
def test_the_last_line_of_json_progress_names_what_was_given(
    shell: Shell, tmp_path: Path, command: tuple[str, ...], given: str
) -> None:
    (tmp_path / "files").mkdir()
    for name in "ab":
        (tmp_path / "files" / name).write_bytes(b"x")
    shell.ok("put", "-q", "-", "s3://bucket/x/b", stdin=b"x")
    words = [word.format(path=tmp_path / "files") for word in command]
    result = shell.ok(*words, "--json-progress")
    assert json.loads(result.err.splitlines()[-1])["object"] == given


def test_quiet_prints_nothing(shell: Shell) -> None:
    assert shell.ok("put", "-q", "-", "s3://bucket/x", stdin=b"x").err == ""


def test_one_failure_does_not_stop_the_others(shell: Shell, tmp_path: Path) -> None:
    names = ["a", "too-long-for-the-store", "z"]
    for name in names:
        (tmp_path / name).write_text(name)
    directory = "d" * 1020
    result = shell("put", *(str(tmp_path / name) for name in names), f"s3://bucket/{directory}/")
    assert result.status == 1
    assert "too-long-for-the-store" in result.err
    assert "stored 2 objects" in result.err
    assert shell.names() == [f"{directory}/a", f"{directory}/z"]


def test_two_files_with_one_name_are_rejected_before_anything_is_sent(
    shell: Shell, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same").write_text(folder)
    paths = [str(tmp_path / folder / "same") for folder in ("one", "two")]
    result = shell("put", *paths, "s3://bucket/")
    assert result.status == 2
    assert "would both be stored as 'same'" in result.err
    assert shell.names() == []
