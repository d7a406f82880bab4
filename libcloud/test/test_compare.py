# SPDX-License-Identifier: Apache-2.0
"""The comparison of ``contrib/compare``: it notices what it says that it notices."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.test.storage.fakes.server import FakeS3

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"
OURS = "libcloud-storage"
SUCCESS = {"ended": "success", "memory": 1, "sha256": "", "size": 0}
ERROR = {"ended": "error", "error": "no"}


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of the comparison, which is no part of the library; data are 256 KiB."""
    monkeypatch.syspath_prepend(str(CONTRIB))
    names = ["scenarios", "worker", "__main__"]
    modules = {name.strip("_"): importlib.import_module(f"compare.{name}") for name in names}
    for module in (modules["scenarios"], modules["worker"]):
        monkeypatch.setattr(module, "SIZE", 256 * 1024)
        monkeypatch.setattr(module, "LARGE", 256 * 1024)
    return SimpleNamespace(**modules)


@pytest.fixture
def server(compare: SimpleNamespace) -> Iterator[FakeS3]:
    with FakeS3(compare.scenarios.STORE) as server:
        server.create_bucket(compare.worker.BUCKET)
        yield server


def _scenario(compare: SimpleNamespace, title: str) -> Any:
    (found,) = (one for one in compare.scenarios.SCENARIOS if title in one.title)
    return found


def _store(compare: SimpleNamespace, server: FakeS3, body: bytes) -> None:
    driver = S3StorageDriver(server.key, server.secret, endpoint_url=server.url)
    container = driver.get_container(compare.worker.BUCKET)
    container.upload_object_via_stream(iter([body]), compare.worker.NAME)


@pytest.mark.parametrize(
    "title",
    ["503", "bit", "Complete is answered", "answer to Complete", "empty piece", "of the name"],
)
def test_a_success_without_the_object_is_noticed(
    compare: SimpleNamespace, server: FakeS3, title: str
) -> None:
    assert _scenario(compare, title).judge(SUCCESS, server).good is False


@pytest.mark.parametrize("title", ["503", "bit", "Complete is answered", "answer to Complete"])
def test_a_success_with_the_object_is_right(
    compare: SimpleNamespace, server: FakeS3, title: str
) -> None:
    _store(compare, server, b"".join(compare.worker.pieces(256 * 1024)))
    assert _scenario(compare, title).judge(SUCCESS, server).good


def test_an_error_though_the_object_is_there_is_noticed(
    compare: SimpleNamespace, server: FakeS3
) -> None:
    _store(compare, server, b"".join(compare.worker.pieces(256 * 1024)))
    verdict = _scenario(compare, "answer to Complete").judge(ERROR, server)
    assert (verdict.good, verdict.text) == (False, "error, though it is stored")


@pytest.mark.parametrize("title", ["source raises", "`with` block", "Ctrl-C"])
def test_half_an_object_and_remaining_parts_are_detected(
    compare: SimpleNamespace, server: FakeS3, title: str
) -> None:
    judge = _scenario(compare, title).judge
    assert judge(ERROR, server).good
    driver = S3StorageDriver(server.key, server.secret, endpoint_url=server.url)
    container = driver.get_container(compare.worker.BUCKET)
    driver._initiate_multipart(container, compare.worker.NAME)
    assert judge(ERROR, server).text == "parts are left"
    _store(compare, server, b"half")
    assert "published" in judge(ERROR, server).text


def test_memory_counts_only_if_all_was_stored(compare: SimpleNamespace, server: FakeS3) -> None:
    judge = _scenario(compare, "memory for").judge
    _store(compare, server, b"little")
    assert not judge(SUCCESS, server).good
    _store(compare, server, b"x" * 256 * 1024)
    assert judge(SUCCESS, server).good
    assert not judge({**SUCCESS, "memory": 300 * compare.worker.MIB}, server).good


def test_a_short_download_is_noticed(compare: SimpleNamespace, server: FakeS3) -> None:
    judge = _scenario(compare, "download").judge
    assert judge(SUCCESS, server).good is False
    assert judge(ERROR, server).good is None


@pytest.mark.parametrize("short", [False, True], ids=["full", "short"])
def test_a_reader_gives_all_and_ends(
    compare: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    monkeypatch.setattr(compare.worker.Reader, "short", short)
    reader = compare.worker.Reader(compare.worker.pieces(256 * 1024))
    first = reader.read(100_000)
    assert len(first) == (65536 if short else 100_000)
    rest = reader.read()
    assert first + rest == b"".join(compare.worker.pieces(256 * 1024))
    assert reader.read(10) == b""


def test_the_table_has_versions_and_verdicts(compare: SimpleNamespace) -> None:
    verdict = compare.scenarios.Verdict
    table = compare.main.table(
        {
            "it fails": {"a": verdict(True, "error", "1.2"), "b": verdict(None, "no way", "")},
            "memory": {"a": verdict(True, "7 MiB", "1.2"), "b": verdict(False, "error", "")},
        },
        ["a", "b"],
    )
    assert "| *version* | 1.2 | missing |" in table
    assert "| it fails | \u2713 | n/a |" in table
    assert "| memory | \u2713 7 MiB | \u2717 error |" in table


@pytest.mark.slow
@pytest.mark.parametrize("title", ["Ctrl-C", "`with` block", "download"])
def test_this_library_goes_through_it(compare: SimpleNamespace, title: str) -> None:
    # The worker is a process of its own, with data of the usual size.
    importlib.reload(compare.worker)
    size = compare.worker.SIZE
    compare.scenarios.SIZE = size
    verdict = compare.scenarios.run(_scenario(compare, title), OURS)
    assert verdict.good, verdict
