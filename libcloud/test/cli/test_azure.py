# SPDX-License-Identifier: Apache-2.0
"""The command and the file system with Azure Blob Storage, on the checking fakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libcloud.storage.drivers.s3 import S3StorageDriver
from libcloud.storage.filesystem import AzureFileSystem
from libcloud.test.cli.running import BUCKET, Shell
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.azure import FakeAzure

DATA = pattern(100_000)


@pytest.fixture
def azure() -> Iterator[FakeAzure]:
    with FakeAzure() as fake:
        fake.create_container("box")
        yield fake
        assert not fake.violations


@pytest.fixture
def account(azure: FakeAzure) -> str:
    return f"AccountName={azure.key};AccountKey={azure.secret};BlobEndpoint={azure.url}/{azure.key}"


def test_a_blob_is_put_listed_read_and_removed(
    shell: Shell, azure: FakeAzure, account: str
) -> None:
    where: Any = {"AZURE_STORAGE_CONNECTION_STRING": account}
    assert shell("put", "-", "az://box/a/b.bin", stdin=DATA, **where).status == 0
    assert azure.body("box", "a/b.bin") == DATA
    assert "a/" in shell("ls", "az://box", **where).out.decode()
    assert shell("get", "az://box/a/b.bin", "-", **where).out == DATA
    assert shell("put", "--no-clobber", "-", "az://box/a/b.bin", stdin=b"x", **where).status != 0
    assert azure.body("box", "a/b.bin") == DATA
    assert shell("rm", "az://box/a/b.bin", **where).status == 0
    assert azure.blobs == {}


def test_times_are_listed_alike_from_every_store(
    shell: Shell, azure: FakeAzure, account: str, tmp_path: Path
) -> None:
    where: Any = {"AZURE_STORAGE_CONNECTION_STRING": account}
    shell.ok("put", "-", "s3://bucket/x", stdin=b"x")
    shell.ok("put", "-", "az://box/x", stdin=b"x", **where)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"x")
    for url in ("s3://bucket/x", "az://box/x", f"file://{tmp_path}/d/x"):
        (line,) = shell.ok("ls", url, **where).lines
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +1  x", line)
        (listed,) = shell.ok("ls", "--json", url, **where).json
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(Z|\+00:00)$", listed["time"])
    assert "None" not in shell.ok("stat", "az://box/x", **where).out.decode()


def test_an_object_is_streamed_from_s3_to_azure_in_blocks(
    shell: Shell, azure: FakeAzure, account: str
) -> None:
    driver = shell.driver
    assert isinstance(driver, S3StorageDriver)
    container = driver.get_container(BUCKET)
    container.upload_object_via_stream(iter([DATA]), "x")
    result = shell(
        *("cp", "--part-size", "32KiB", f"s3://{BUCKET}/x", "az://box/x"),
        AZURE_STORAGE_CONNECTION_STRING=account,
    )
    assert (result.status, result.err) == (0, result.err)
    assert azure.body("box", "x") == DATA
    assert azure.count("PutBlock") == 4


def test_doctor_shows_the_account_and_no_secret(
    shell: Shell, azure: FakeAzure, account: str
) -> None:
    where: Any = {"AZURE_STORAGE_CONNECTION_STRING": account}
    result = shell("doctor", "--write", "az://box", **where)
    assert result.status == 0, result.err
    text = result.out.decode()
    assert azure.key in text
    assert "account key" in text
    assert azure.secret not in text


def test_doctor_lists_the_missing_variables(shell: Shell) -> None:
    result = shell("doctor", "az://box")
    assert result.status != 0
    assert "AZURE_STORAGE_ACCOUNT" in result.out.decode()


def test_the_file_system_reads_and_writes(
    azure: FakeAzure, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", account)
    fs = AzureFileSystem(skip_instance_cache=True)
    with fs.open("libcloud+az://box/d/f.bin", "wb") as file:
        file.write(DATA)
    assert azure.body("box", "d/f.bin") == DATA
    assert fs.ls("box", detail=False) == ["box/d"]
    assert fs.cat_file("az://box/d/f.bin", 10, 20) == DATA[10:20]
    assert (
        fs.info(f"libcloud+abfs://box@{azure.key}.dfs.core.windows.net/d/f.bin")["size"] == 100_000
    )
    fs.cp_file("box/d/f.bin", "box/copy")
    assert azure.body("box", "copy") == DATA
    with pytest.raises(FileExistsError):
        fs.pipe_file("box/copy", b"x", mode="create")
    fs.rm("box/d", recursive=True)
    assert list(azure.blobs) == [("box", "copy")]


def test_a_url_of_the_file_system_names_the_account() -> None:
    url = "libcloud+abfs://box@acme.dfs.core.windows.net/name"
    assert AzureFileSystem._get_kwargs_from_urls(url) == {"key": "acme"}
    assert AzureFileSystem._strip_protocol(url) == "box/name"


def test_placeholders_of_directories_are_not_downloaded_as_files(
    shell: Shell, azure: FakeAzure, account: str, tmp_path: Path
) -> None:
    where: Any = {"AZURE_STORAGE_CONNECTION_STRING": account}
    marked = ("--metadata", "hdi_isfolder=true")
    assert shell("put", *marked, "-", "az://box/a/b", stdin=b"", **where).status == 0
    assert shell("put", "-", "az://box/a/b/c", stdin=DATA, **where).status == 0
    for command in (("get", "-r"), ("sync",)):
        target = tmp_path / command[0]
        result = shell(*command, "az://box/a", str(target), **where)
        assert (result.status, result.err) == (0, result.err)
        assert [path.read_bytes() for path in target.rglob("c")] == [DATA]
