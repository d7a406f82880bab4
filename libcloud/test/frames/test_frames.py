# SPDX-License-Identifier: Apache-2.0
"""pandas, pyarrow, dask and zarr: what is written through the file system is read again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import dask.dataframe as dd
import fsspec  # type: ignore[import-untyped]  # fsspec has no types
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
import zarr
from fsspec.parquet import open_parquet_file  # type: ignore[import-untyped]  # as above
from fsspec.registry import _registry  # type: ignore[import-untyped]  # as above

from libcloud.storage.filesystem import LibcloudFileSystem
from libcloud.storage.filesystem.reading import RequestCost
from libcloud.test.frames.conftest import BUCKET
from libcloud.test.storage.fakes.servers import Endpoint

URL = f"libcloud+s3://{BUCKET}"


@pytest.fixture
def frame() -> pd.DataFrame:
    numbers = random.Random(1)
    return pd.DataFrame(
        {
            "number": range(5000),
            "share": [numbers.random() for _ in range(5000)],
            "word": [numbers.choice(["ü", "b", "long word"]) for _ in range(5000)],
            "when": pd.date_range("2026-01-01", periods=5000, freq="min", tz="UTC"),
        }
    )


@pytest.fixture
def fs(options: dict[str, Any]) -> Any:
    return LibcloudFileSystem(**options, skip_instance_cache=True)


@pytest.fixture
def as_s3() -> Iterator[None]:
    """``s3://`` is ours, for a while."""
    fsspec.register_implementation("s3", LibcloudFileSystem, clobber=True)
    yield
    _registry.pop("s3")


def test_pandas_parquet(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    frame.to_parquet(f"{URL}/table.parquet", storage_options=options)
    again = pd.read_parquet(f"{URL}/table.parquet", storage_options=options)
    pd.testing.assert_frame_equal(again, frame)
    some = pd.read_parquet(f"{URL}/table.parquet", columns=["share"], storage_options=options)
    pd.testing.assert_frame_equal(some, frame[["share"]])


def test_pandas_under_the_scheme_s3(
    frame: pd.DataFrame, options: dict[str, Any], as_s3: None
) -> None:
    frame.to_parquet(f"s3://{BUCKET}/table.parquet", storage_options=options)
    again = pd.read_parquet(f"s3://{BUCKET}/table.parquet", storage_options=options)
    pd.testing.assert_frame_equal(again, frame)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.bz2", "csv.xz", "csv.zip"])
def test_pandas_csv(frame: pd.DataFrame, options: dict[str, Any], ending: str) -> None:
    frame.to_csv(f"{URL}/table.{ending}", index=False, storage_options=options)
    again = pd.read_csv(f"{URL}/table.{ending}", parse_dates=["when"], storage_options=options)
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_pandas_json_lines_and_pickle(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    frame.to_json(f"{URL}/t.jsonl", orient="records", lines=True, storage_options=options)
    again = pd.read_json(f"{URL}/t.jsonl", lines=True, storage_options=options)
    assert list(again["word"]) == list(frame["word"])
    frame.to_pickle(f"{URL}/t.pickle", storage_options=options)
    pd.testing.assert_frame_equal(pd.read_pickle(f"{URL}/t.pickle", storage_options=options), frame)


def test_a_table_in_directories_is_read_by_one_of_them(
    frame: pd.DataFrame, options: dict[str, Any], fs: Any
) -> None:
    frame.to_parquet(f"{URL}/parts", partition_cols=["word"], storage_options=options)
    assert sorted(path.rpartition("=")[2] for path in fs.ls(f"{BUCKET}/parts", detail=False)) == [
        "%C3%BC",
        "b",
        "long%20word",
    ]
    again = pd.read_parquet(
        f"{URL}/parts", filters=[("word", "==", "long word")], storage_options=options
    )
    expected = frame[frame["word"] == "long word"]
    assert sorted(again["number"]) == list(expected["number"])


class Unspeakable:
    """A value that cannot be written."""

    def __str__(self) -> str:
        raise KeyError("no words")


def test_a_frame_that_breaks_off_leaves_nothing(options: dict[str, Any], fs: Any) -> None:
    frame = pd.DataFrame({"word": ["x" * 100_000] * 100 + [Unspeakable()]})
    with pytest.raises(KeyError):
        frame.to_csv(f"{URL}/bad.csv", storage_options=options, chunksize=1)
    assert fs.find(BUCKET) == []


def test_pyarrow_reads_the_groups_it_needs(frame: pd.DataFrame, fs: Any, server: Endpoint) -> None:
    table = pa.Table.from_pandas(frame)
    pq.write_table(table, f"{BUCKET}/t.parquet", filesystem=fs, row_group_size=500)
    assert pq.read_table(f"{BUCKET}/t.parquet", filesystem=fs).equals(table)
    with fs.open(f"{BUCKET}/t.parquet", block_size=4096) as file:
        group = pq.ParquetFile(file).read_row_group(3)
    assert group.column("number").to_pylist() == [*range(1500, 2000)]
    assert server.fake is not None
    assert any("range" in entry.headers for entry in server.fake.requests)


@pytest.mark.parametrize(("helper", "most"), [(False, 7), (True, 14)])
def test_some_columns_of_a_table_need_few_requests(
    fs: Any, server: Endpoint, monkeypatch: pytest.MonkeyPatch, helper: bool, most: int
) -> None:
    # As in S3. On loopback, requests may cost so little that gaps are not read.
    monkeypatch.setattr(RequestCost, "in_bytes", 2_700_000)
    table = pa.table({f"c{number}": range(20_000) for number in range(20)})
    pq.write_table(table, f"{BUCKET}/t.parquet", filesystem=fs, row_group_size=4_000)
    assert server.fake is not None
    before = server.fake.count("GetObject")
    columns = {"columns": ["c3", "c11"]}
    path = f"{BUCKET}/t.parquet"
    open_it = partial(open_parquet_file, path, fs=fs, engine="pyarrow", **columns)
    with open_it() if helper else fs.open(path) as file:
        assert pq.read_table(file, **columns).equals(table.select(["c3", "c11"]))
    assert server.fake.count("GetObject") - before <= most


def test_a_pyarrow_data_set(frame: pd.DataFrame, fs: Any) -> None:
    handler = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    ds.write_dataset(
        table,
        f"{BUCKET}/set",
        filesystem=handler,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("word", pa.string())]), flavor="hive"),
    )
    again = ds.dataset(f"{BUCKET}/set", filesystem=handler, partitioning="hive")
    assert again.count_rows() == len(frame)
    few = again.to_table(filter=ds.field("number") < 10).sort_by("number")
    assert few.column("number").to_pylist() == [*range(10)]
    # A second time it is to replace what is there.
    ds.write_dataset(
        table.slice(0, 5),
        f"{BUCKET}/set",
        filesystem=handler,
        format="parquet",
        existing_data_behavior="delete_matching",
        partitioning=ds.partitioning(pa.schema([("word", pa.string())]), flavor="hive"),
    )
    rows = ds.dataset(f"{BUCKET}/set", filesystem=handler, partitioning="hive").count_rows()
    assert rows < len(frame)


def test_dask_writes_and_reads_partitions(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    parts = dd.from_pandas(frame, npartitions=4)
    parts.to_parquet(f"{URL}/dask", storage_options=options)
    again = dd.read_parquet(f"{URL}/dask", storage_options=options)
    assert again.npartitions == 4
    total = again["share"].sum().compute(scheduler="threads")
    assert total == pytest.approx(frame["share"].sum())
    parts.to_csv(f"{URL}/csv/*.csv", storage_options=options, index=False)
    words = dd.read_csv(f"{URL}/csv/*.csv", storage_options=options)["word"]
    assert list(words.compute(scheduler="threads")) == list(frame["word"])


def test_a_dask_table_replaces_another(frame: pd.DataFrame, options: dict[str, Any]) -> None:
    for rows, count in ((frame, 4), (frame[:10], 1)):
        parts = dd.from_pandas(rows, npartitions=count)
        parts.to_parquet(f"{URL}/dask", overwrite=True, storage_options=options)
    again = dd.read_parquet(f"{URL}/dask", storage_options=options)
    assert list(again["number"].compute(scheduler="threads")) == [*range(10)]


def test_zarr_writes_and_reads_chunks(options: dict[str, Any], fs: Any) -> None:
    numbers = np.arange(100 * 60, dtype="f8").reshape(100, 60)
    store = zarr.storage.FsspecStore.from_url(f"{URL}/cube.zarr", storage_options=options)
    group = zarr.create_group(store, attributes={"what": "numbers"})
    array = group.create_array("numbers", shape=(100, 60), chunks=(30, 20), dtype="f8")
    array[:] = numbers
    array[7, 5:9] = -1
    numbers[7, 5:9] = -1
    read = zarr.storage.FsspecStore.from_url(
        f"{URL}/cube.zarr", storage_options=options, read_only=True
    )
    again = zarr.open_group(read, mode="r")
    assert dict(again.attrs) == {"what": "numbers"}
    assert [*again.array_keys()] == ["numbers"]
    np.testing.assert_array_equal(again["numbers"][:], numbers)
    np.testing.assert_array_equal(again["numbers"][29:31, 19:21], numbers[29:31, 19:21])
    assert len([path for path in fs.find(f"{BUCKET}/cube.zarr") if "/c/" in path]) == 12
