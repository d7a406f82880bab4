# SPDX-License-Identifier: Apache-2.0
"""Many objects at a store with latency: wall and CPU seconds, and requests in flight.

    python -m bench.many                    the table, after a few minutes
    python -m bench.many --latency 0.05 --clients libcloud,s3fs

Clients that are not installed are left out. Each runs in a process of its own, one after another,
in turns. Wall time is meaningful here, because the latency dominates; compare it within one run
only, on a machine that is otherwise idle.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_BUCKET = "bucket"
_TREE = Path(__file__).resolve().parents[2]

# The libraries with an interface of fsspec, and the commands; the first of each is this library.
_LIBRARIES = ("libcloud", "s3fs", "obstore")
_COMMANDS = ("libcloud", "s5cmd", "aws")

# With it, each process compiles what it imports.
_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"

# fsspec: objects, and bytes of each.
_OBJECTS, _SIZE = 200, 100_000


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.03, help="seconds (0.03)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (3)")
    parser.add_argument("--files", type=int, default=1000, help="files of the commands (1,000)")
    parser.add_argument("--clients", help="comma-separated; all by default")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        name, port = options.measure
        _measure_library(name, int(port))
        return
    chosen = (options.clients or ",".join({*_LIBRARIES, *_COMMANDS})).split(",")
    runs: dict[str, dict[str, list[list[float]]]] = {}
    with store(options.latency) as port:
        for _ in range(options.rounds):
            for name in (name for name in _COMMANDS if name in chosen and _program(name)):
                for row, *figures in _measure_command(name, port, options.files):
                    runs.setdefault(row, {}).setdefault(name, []).append(figures)
            for name in (name for name in _LIBRARIES if name in chosen):
                for row, *figures in _in_process(name, port):
                    runs.setdefault(row, {}).setdefault(name, []).append(figures)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"latency": options.latency, "runs": runs}))
    print(table(runs))


def table(runs: dict[str, dict[str, list[list[float]]]]) -> str:
    """The medians in Markdown: wall seconds, CPU seconds, most requests in flight."""
    columns = list(
        dict.fromkeys([*_LIBRARIES[:1], *(name for row in runs.values() for name in row)])
    )
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for row, clients in runs.items():
        cells = []
        for name in columns:
            if name not in clients:
                cells.append("")
                continue
            wall, cpu, most = (statistics.median(one) for one in zip(*clients[name], strict=True))
            cells.append(f"{wall:.2f}, CPU {cpu:.2f}, {most:.0f} in flight")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


@contextlib.contextmanager
def store(latency: float) -> Iterator[int]:
    """A store with latency in a process of its own; its port."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.latency", str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(0),
    )
    try:
        assert server.stdin is not None and server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.communicate()


def _environment(port: int) -> dict[str, str]:
    paths = [str(_TREE), str(_TREE / "contrib"), os.environ.get("PYTHONPATH", "")]
    # Installed packages are compiled, too.
    given = {name: value for name, value in os.environ.items() if name != _UNCOMPILED}
    return {
        **given,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",  # s5cmd
    }


def _most_in_flight(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/?statistics", timeout=30) as answer:
        return int(json.load(answer)["in flight"])


def _program(name: str) -> list[str]:
    """The command ``name``; empty if it is not installed."""
    if name == "libcloud":
        return [sys.executable, "-c", "from libcloud.__main__ import main; main()"]
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return [found] if found else []


def _measure_command(name: str, port: int, count: int) -> Iterator[tuple[str, float, float, int]]:
    with tempfile.TemporaryDirectory() as directory:
        for number in range(count):
            path = Path(directory, "many", f"d{number % 20}", f"{number}.bin")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(10_000))
        url = f"s3://{_BUCKET}/{name}/"
        quiet, recursive = ["--quiet"], ["--recursive", "--quiet"]
        steps = {
            "libcloud": (
                ["put", *recursive, "many/", url],
                ["get", *recursive, url, "got/"],
                ["rm", *recursive, url],
            ),
            "s5cmd": (["cp", "many/*", url], ["cp", f"{url}*", "got/"], ["rm", f"{url}*"]),
            "aws": (
                ["s3", "cp", *recursive, "many/", url],
                ["s3", "cp", *recursive, url, "got/"],
                ["s3", "rm", "--recursive", *quiet, url],
            ),
        }[name]
        for word, step in zip(("put", "get", "rm"), steps, strict=True):
            _most_in_flight(port)
            wall, cpu = _time([*_program(name), *step], directory, port)
            yield f"command: {word} of {count:,} files", wall, cpu, _most_in_flight(port)


def _time(command: list[str], directory: str, port: int) -> tuple[float, float]:
    """Wall and CPU seconds of a command.

    :raises subprocess.CalledProcessError: it failed.
    """
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=directory, env=_environment(port), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


def _in_process(name: str, port: int) -> list[tuple[str, float, float, int]]:
    """The figures of a library; none if it is not installed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.many", "--measure", name, str(port)],
        env=_environment(port),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _filesystem(name: str, port: int) -> Any:
    endpoint, known = f"http://127.0.0.1:{port}", {"key": "key", "secret": "secret"}
    if name == "libcloud":
        from libcloud.storage.filesystem import LibcloudFileSystem

        return LibcloudFileSystem(**known, endpoint_url=endpoint)
    if name == "s3fs":
        import s3fs

        return s3fs.S3FileSystem(**known, endpoint_url=endpoint, use_listings_cache=False)
    from obstore.fsspec import FsspecStore

    return FsspecStore(
        "s3",
        access_key_id="key",
        secret_access_key="secret",
        endpoint=endpoint,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def _measure_library(name: str, port: int) -> None:
    """Print a line of JSON for each row."""
    try:
        fs = _filesystem(name, port)
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as directory:
        for row, step in _steps(fs, name, directory):
            _most_in_flight(port)
            wall, cpu = time.monotonic(), time.process_time()
            try:
                step()
            except Exception as error:  # a client that cannot do it has no figure in this row
                print(f"{name}: {row}: {type(error).__name__}", file=sys.stderr)
                continue
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            print(json.dumps([f"fsspec: {row}", wall, cpu, _most_in_flight(port)]), flush=True)


def _steps(fs: Any, name: str, directory: str) -> Iterator[tuple[str, Callable[[], object]]]:
    root, source = f"{_BUCKET}/{name}", Path(directory, "source")
    source.mkdir()
    for number in range(_OBJECTS):
        (source / f"{number}.bin").write_bytes(os.urandom(_SIZE))
    keys = [f"{root}/{number}.bin" for number in range(_OBJECTS)]
    yield f"put of {_OBJECTS}", lambda: fs.put(f"{source}/", f"{root}/", recursive=True)
    yield f"cat of {_OBJECTS}", lambda: fs.cat(keys)
    ranges: Any = ([100] * _OBJECTS, [5000] * _OBJECTS)
    yield f"cat_ranges of {_OBJECTS}", lambda: fs.cat_ranges(keys, *ranges)
    yield f"get of {_OBJECTS}", lambda: fs.get(f"{root}/", f"{directory}/got/", recursive=True)
    yield from _chunked(fs, root)
    yield "rm of all", lambda: fs.rm(root, recursive=True)


def _chunked(fs: Any, root: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Zarr and Parquet, where they are installed."""
    with contextlib.suppress(ImportError):
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = f"{root}/table.parquet"
        values = pa.table({f"c{number}": list(range(50_000)) for number in range(20)})
        with fs.open(path, "wb") as file:
            pq.write_table(values, file, row_group_size=10_000)

        def read_columns() -> None:
            with fs.open(path, "rb") as file:
                pq.read_table(file, columns=["c3", "c11"])

        yield "parquet, 2 of 20 columns", read_columns
    with contextlib.suppress(ImportError):
        import numpy as np
        import zarr

        if getattr(fs, "async_impl", False):
            kept = {"path": f"{root}/array.zarr"}
            array = zarr.create_array(
                zarr.storage.FsspecStore(_asynchronous(fs), **kept),
                shape=(2048, 2048),
                chunks=(128, 128),
                dtype="f4",
                compressors=None,
            )
            array[:] = np.ones((2048, 2048), "f4")
            yield "zarr, 256 chunks", lambda: array[:]


def _asynchronous(fs: Any) -> Any:
    """The file system as zarr needs it."""
    options = {**fs.storage_options, "asynchronous": True, "skip_instance_cache": True}
    return type(fs)(*fs.storage_args, **options)


if __name__ == "__main__":
    main()
