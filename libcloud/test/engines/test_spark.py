# SPDX-License-Identifier: Apache-2.0
"""Spark: two workers of this machine, each task of which is tried four times."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from libcloud.common.types import LibcloudError
from libcloud.storage.scaleout.spark import ObjectDataSource, ObjectWriter, PartitionWritten
from libcloud.storage.scaleout.staging import StagedPiece
from libcloud.storage.scaleout.worker import StoredPiece
from libcloud.test.engines.bad_input import LIBRARIES, python_path
from libcloud.test.engines.pieces import SIZES, Piece, pieces_for, runs_in
from libcloud.test.engines.processes import files_with, memory_contains
from libcloud.test.engines.spark import needs_java, stop_java
from libcloud.test.engines.store import BUCKET, SECRET, KillSender, Store

pytestmark = pytest.mark.slow

URL = f"s3://{BUCKET}/big.bin"
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def spark(server: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    needs_java()
    folder = tmp_path_factory.mktemp("spark")
    builder = SparkSession.builder.master("local[2,4]")
    settings = {
        "spark.driver.bindAddress": HOST,
        "spark.driver.host": HOST,
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.python.authenticate.socketTimeout": "240s",  # a busy machine starts workers late
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        session.dataSource.register(ObjectDataSource)
        try:
            yield session
        finally:
            session.stop()
            stop_java()


def _frame(spark: SparkSession, pieces: list[Piece]) -> Any:
    """The pieces as rows, each of which is a partition."""
    rows = spark.sparkContext.parallelize(pieces, len(pieces)).map(lambda piece: (piece(),))
    return spark.createDataFrame(rows, "data binary")


def _write(frame: Any, mode: str = "overwrite", **options: str) -> None:
    frame.write.format("libcloud").mode(mode).options(**options).save(URL)


def test_a_frame_becomes_one_object(
    spark: SparkSession, store: Store, container: Any, folder: Path
) -> None:
    _write(_frame(spark, pieces_for(folder)), content_type="image/x-test")
    store.check_object("big.bin")
    assert [name for _, name in store.objects] == ["big.bin"]
    assert container.get_object("big.bin").extra["content_type"] == "image/x-test"
    assert runs_in(folder) == dict.fromkeys(range(len(SIZES)), 1)


def test_a_killed_worker_is_replaced_and_the_object_is_published(
    spark: SparkSession, store: Store, folder: Path
) -> None:
    kill = KillSender(store)
    store.faults.add("PutObject", kill, nth=3)
    _write(_frame(spark, pieces_for(folder)))
    assert len(kill.killed) == 1
    store.check_object("big.bin")
    assert [name for _, name in store.objects] == ["big.bin"]
    runs = runs_in(folder)
    assert set(runs) == set(range(len(SIZES)))
    assert len(SIZES) < runs.total() <= 2 * len(SIZES)


@pytest.mark.parametrize("changes", [False, True], ids=["same", "other"])
def test_two_attempts_at_a_partition_count_once_if_their_bytes_are_the_same(
    changes: bool, spark: SparkSession, store: Store, folder: Path
) -> None:
    kill = KillSender(store, stored=True)
    store.faults.add("PutObject", kill, nth=2)
    frame = _frame(spark, pieces_for(folder, changes=changes))
    if changes:
        with pytest.raises(Exception, match="PartConflictError"):
            _write(frame)
        assert not store.objects
    else:
        _write(frame)
        store.check_object("big.bin")
        assert [name for _, name in store.objects] == ["big.bin"]
    assert len(kill.killed) == 1
    store.check_clean()


def test_rows_that_are_not_one_binary_column_are_refused(spark: SparkSession, store: Store) -> None:
    with pytest.raises(Exception, match="one column of the type binary"):
        _write(spark.createDataFrame([("text",)], "data string"))
    assert not store.objects


def test_an_existing_object_is_replaced_only_on_request(
    spark: SparkSession, store: Store, container: Any
) -> None:
    container.upload_object_via_stream(iter([b"old"]), "big.bin")
    frame = spark.createDataFrame([(b"new",)], "data binary")
    with pytest.raises(Exception, match="exists: use the mode overwrite"):
        _write(frame, "append")
    assert store.body(BUCKET, "big.bin") == b"old"
    _write(frame)
    store.check_object("big.bin", b"new")


def test_a_secret_among_the_options_is_refused_and_not_repeated(
    spark: SparkSession, store: Store
) -> None:
    frame = spark.createDataFrame([(b"new",)], "data binary")
    with pytest.raises(Exception, match="unknown option: secret_key") as caught:
        _write(frame, secret_key="a-second-secret")
    assert "a-second-secret" not in str(caught.value)


def test_workers_without_credentials_are_an_error_and_nothing_is_published(
    spark: SparkSession, store: Store, folder: Path
) -> None:
    hidden = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    moved = hidden.rename(hidden.with_name("moved"))
    try:
        # One task: another one might find them again, and write when the test is over.
        with pytest.raises(Exception, match="CredentialsNotFoundError"):
            _write(_frame(spark, pieces_for(folder)[:1]))
    finally:
        moved.rename(hidden)
    assert not store.objects


@pytest.mark.parametrize("library", LIBRARIES)
def test_workers_without_this_version_of_the_library_are_an_error(
    library: str, spark: SparkSession, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not in the process that plans the tasks, which is on the machine of the driver.
    path = python_path(tmp_path, library, "sys.orig_argv[-1] == 'pyspark.worker'")
    frame = spark.createDataFrame([(b"x",)], "data binary")
    monkeypatch.setitem(spark.sparkContext.environment, "PYTHONPATH", path)
    spark.dataSource.register(ObjectDataSource)  # with the variables of now
    try:
        with pytest.raises(Exception, match=LIBRARIES[library][1]):
            _write(frame)
    finally:
        monkeypatch.undo()
        spark.dataSource.register(ObjectDataSource)
    assert not store.objects
    store.check_clean()


def test_no_secret_is_in_the_memory_of_java_or_in_files(
    spark: SparkSession, store: Store, folder: Path
) -> None:
    _write(_frame(spark, pieces_for(folder)))
    process = spark.sparkContext._gateway.proc.pid
    assert not memory_contains(process, SECRET)
    local = Path(spark.conf.get("spark.local.dir") or "")
    assert not files_with(SECRET, local)


def test_an_object_without_a_partition_is_not_published() -> None:
    written = PartitionWritten(StagedPiece(0, StoredPiece("bucket", "name", "etag", 1)))
    staging: Any = None  # it is not used
    with pytest.raises(LibcloudError, match="partition 1 was not written"):
        ObjectWriter(staging, {}).commit([written, None])
