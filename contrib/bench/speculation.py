# SPDX-License-Identifier: Apache-2.0
"""Spark runs a second attempt at a slow task; the object is published once, or not at all.

    python contrib/bench/speculation.py

A master and two workers are started on loopback: Spark speculates neither in ``local`` mode nor on
the host of the first attempt. It takes a minute or two, so it is no test. The second run makes
other bytes at the second attempt, and both attempts write them: a ``PartConflictError``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import SparkSession

from libcloud.storage.scaleout.spark import ObjectDataSource
from libcloud.test.engines.pieces import Piece, pieces_for, runs_in
from libcloud.test.engines.store import BUCKET, Store
from libcloud.test.storage.fakes.servers import _listens, reserved_ports

_MASTER, *_WORKERS = "127.0.0.1", "127.0.0.2", "127.0.0.3"
_SLOW = 3  # position of the piece whose first attempt is slow
_SETTINGS = {
    "spark.driver.host": _MASTER,
    "spark.driver.bindAddress": _MASTER,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.executor.memory": "512m",
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.minTaskRuntime": "100ms",
}


def make(piece: Piece, pause: float) -> tuple[bytes]:
    """A row; the first attempt at the slow piece waits until there is a second one, and longer."""
    data = piece()
    runs = Path(piece.folder, str(piece.number))
    if piece.number == _SLOW and runs.stat().st_size == 1:
        deadline = time.monotonic() + 120
        while runs.stat().st_size < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(pause)
    return (data,)


def start(stack: ExitStack, folder: Path) -> str:
    """A master and its workers; the address."""
    (port,) = stack.enter_context(reserved_ports(1))
    address = f"spark://{_MASTER}:{port}"
    program = os.path.join(os.environ["SPARK_HOME"], "bin", "spark-class")
    options = ["--webui-port", "0"]

    def run(kind: str, host: str, *arguments: str) -> None:
        name = f"org.apache.spark.deploy.{kind}"
        process = subprocess.Popen(
            [program, name, "--host", host, *options, *arguments],
            env={**os.environ, "SPARK_LOCAL_IP": host},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)

    run("master.Master", _MASTER, "--port", str(port))
    while not _listens(port):
        time.sleep(0.1)
    for host in _WORKERS:
        run("worker.Worker", host, "-c", "1", "-m", "1g", "-d", str(folder / host), address)
    return address


def write(spark: Any, store: Store, folder: Path, changes: bool) -> None:
    """Write the pieces, and print what became of them."""
    folder.mkdir()
    store.reset()
    store.create_bucket(BUCKET)
    pieces = pieces_for(folder, changes=changes)
    # With other bytes, both attempts write them; with the same, Spark ends the slow one.
    row = partial(make, pause=0 if changes else 5)
    frame = spark.createDataFrame(
        spark.sparkContext.parallelize(pieces, len(pieces)).map(row), "data binary"
    )
    try:
        frame.write.format("libcloud").mode("overwrite").save(f"s3://{BUCKET}/big.bin")
        store.check_object("big.bin")
        found = "published, with the right SHA-256"
    except Exception as error:
        assert "PartConflictError" in str(error)
        found = "PartConflictError"
    store.check_clean()
    print(f"{'other' if changes else 'same'} bytes: {found}")
    print(f"  times each piece was made: {dict(sorted(runs_in(folder).items()))}")
    print(f"  temporary objects written: {store.count('PutObject')}")
    print(f"  objects now: {[name for _, name in store.objects]}; uploads left: 0")


def main() -> None:
    os.environ.update(
        SPARK_HOME=os.path.dirname(pyspark.__file__),
        SPARK_LOCAL_IP=_MASTER,
        PYSPARK_PYTHON=sys.executable,
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(Store())
        os.environ.update(store.write_settings(folder))
        builder = SparkSession.builder.master(start(stack, folder))
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        stack.callback(spark.stop)
        spark.dataSource.register(ObjectDataSource)
        for changes in (False, True):
            write(spark, store, folder / f"runs-{changes}", changes)


if __name__ == "__main__":
    main()
