# SPDX-License-Identifier: Apache-2.0
"""Writers of the S3 driver in the hands of those who write files, and in processes that end."""

from __future__ import annotations

import bz2
import codecs
import csv
import gc
import gzip
import io
import logging
import lzma
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from libcloud.test.storage.s3_servers import PART, Store, pattern

LONG = pattern(PART * 3 + 1)
ROWS = [[str(number), "a,b", "grüße\n"] for number in range(400)]


def open_writer(s3: Store, name: str = "object", **options: Any) -> Any:
    """A writer with small parts."""
    return s3.container.ex_open_writer(name, **{"ex_part_size": PART, **options})


# Those who write.


def opened_tar(file: Any, mode: Any) -> tarfile.TarFile:
    """``tarfile.open`` for a mode that is not known to the checker of types."""
    return tarfile.TarFile.open(fileobj=file, mode=mode)


def _csv(file: Any) -> None:
    with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        csv.writer(text).writerows(ROWS)


def _tar(mode: str) -> Callable[[Any], None]:
    def write(file: Any) -> None:
        with opened_tar(file, mode) as archive:
            for number in range(3):
                member = tarfile.TarInfo(f"object-{number}")
                member.size = PART * 2 + number
                archive.addfile(member, io.BytesIO(pattern(member.size)))

    return write


def _zip(file: Any) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first", pattern(5000))
        with archive.open("second", "w") as member:
            member.write(os.urandom(3000))


def _gzip(file: Any) -> None:
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(pattern(100_000))


def _gzip_text(file: Any) -> None:
    with gzip.open(file, "wt", encoding="utf-8") as text:
        text.writelines(f"{number}\n" for number in range(9999))


def _log(file: Any) -> None:
    handler = logging.StreamHandler(io.TextIOWrapper(file, write_through=True))
    for number in range(300):
        record = logging.LogRecord("x", logging.INFO, "", 1, "line %d", (number,), None)
        handler.emit(record)
    handler.stream.close()


def _print(file: Any) -> None:
    with io.TextIOWrapper(file) as text:
        for number in range(1000):
            print(number, number * number, file=text)


def _buffered(file: Any) -> None:
    with io.BufferedWriter(file, 700) as buffered:
        for number in range(200):
            buffered.write(bytes([number]) * 33)


def _packed_by(packer: Any) -> Callable[[Any], None]:
    def write(file: Any) -> None:
        with packer(file, "w") as packed:
            packed.write(os.urandom(3 * PART))

    return write


def _lines(file: Any) -> None:
    file.writelines(b"%d\n" % number for number in range(2000))


USERS: dict[str, Callable[[Any], object]] = {
    "tarfile, a stream": _tar("w|"),
    "tarfile, a packed stream": _tar("w|xz"),
    "tarfile": _tar("w"),
    "tarfile, packed": _tar("w:bz2"),
    "gzip": _gzip,
    "gzip, text": _gzip_text,
    "bz2": _packed_by(bz2.BZ2File),
    "lzma": _packed_by(lzma.LZMAFile),
    "csv": _csv,
    "pickle": lambda file: pickle.dump([LONG, list(range(1000)), bytearray(LONG)], file, 5),
    "copyfileobj": lambda file: shutil.copyfileobj(io.BytesIO(LONG), file, 77),
    "codecs": lambda file: codecs.getwriter("utf-16")(file).write("grüße" * 500),
    "logging": _log,
    "print": _print,
    "BufferedWriter": _buffered,
    "writelines": _lines,
}


def _repeatable(user: Callable[[Any], object], file: Any) -> None:
    """What ``user`` writes, with numbers for dice and clocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", lambda size: pattern(size, seed=9))
        patch.setattr("time.time", lambda: 1_700_000_000.0)
        user(file)


class _Kept(io.BytesIO):
    """Keeps what it had when it was closed."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()


@pytest.mark.parametrize("name", USERS)
def test_an_object_is_written_like_a_file(amazon: Store, name: str) -> None:
    expected = _Kept()
    with expected:
        _repeatable(USERS[name], expected)
    with open_writer(amazon) as writer:
        _repeatable(USERS[name], writer)
    assert amazon.body() == expected.kept != b""
    assert writer.result.size == len(expected.kept)
    amazon.assert_nothing_is_left("object")


def test_a_zip_archive_is_written_without_going_back(amazon: Store) -> None:
    with open_writer(amazon) as writer:
        _zip(writer)
    with zipfile.ZipFile(io.BytesIO(amazon.body())) as archive:
        assert archive.testzip() is None
        assert archive.read("first") == pattern(5000)
        assert len(archive.read("second")) == 3000


def test_an_archive_may_hold_a_file_of_the_name_of_the_object(
    amazon: Store, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "object").write_bytes(LONG)
    with open_writer(amazon) as writer, tarfile.open(fileobj=writer, mode="w") as archive:
        archive.add("object")
    with tarfile.open(fileobj=io.BytesIO(amazon.body())) as archive:
        assert archive.getnames() == ["object"]


@pytest.mark.parametrize("name", USERS)
def test_a_user_that_fails_in_the_end_publishes_nothing(amazon: Store, name: str) -> None:
    with pytest.raises(KeyError), open_writer(amazon) as writer:
        _repeatable(USERS[name], writer)
        raise KeyError
    amazon.assert_nothing_is_left()


@pytest.mark.parametrize("mode", ["w", "w|", "w|gz"])
def test_an_archive_that_fails_publishes_nothing(amazon: Store, mode: str) -> None:
    with (
        pytest.raises(KeyError),
        open_writer(amazon) as writer,
        opened_tar(writer, mode) as archive,
    ):
        member = tarfile.TarInfo("member")
        member.size = 5 * PART
        archive.addfile(member, io.BytesIO(os.urandom(member.size)))
        raise KeyError
    amazon.assert_nothing_is_left()


@pytest.mark.filterwarnings("ignore:.*dropped without close:ResourceWarning")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda file: gzip.GzipFile(fileobj=file, mode="wb"),
        lambda file: zipfile.ZipFile(file, "w").open("member", "w"),  # noqa: SIM115
        lambda file: opened_tar(file, "w|"),
        lambda file: lzma.LZMAFile(file, "w"),  # noqa: SIM115
        io.BufferedWriter,
    ],
    ids=["gzip", "zip", "tar", "lzma", "buffer"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_dropped_user_publishes_nothing(amazon: Store, wrap: Callable[[Any], Any]) -> None:
    file = wrap(open_writer(amazon))
    if not isinstance(file, tarfile.TarFile):
        file.write(os.urandom(20 * PART))
    del file
    gc.collect()  # one that is part of a cycle would be dropped during another test
    for thread in threading.enumerate():
        if thread.name == "libcloud-abandoned":
            thread.join(30)
    amazon.assert_nothing_is_left()


# Other processes.

PROGRAM = """
    import os, signal, sys
    from libcloud.storage.base import Container
    from libcloud.storage.drivers.s3 import S3StorageDriver

    driver = S3StorageDriver({key!r}, {secret!r}, secure=False, host={host!r}, port={port})
    container = Container("bucket", {{}}, driver)
    writer = container.ex_open_writer("object")
    piece = bytes(1024 * 1024)
"""
REFUSE_THREADS = """
import threading
def refuse(self):
    raise RuntimeError("can't create new thread at interpreter shutdown")
threading.Thread.start = refuse
"""
FORK = "if os.fork() == 0:\n    sys.exit()\nos.wait()\n"
FORK_AND_DROP = "if os.fork() == 0:\n    del writer\n    sys.exit()\nos.wait()\n"


def _run(amazon: Store, program: str, **options: Any) -> subprocess.Popen[str]:
    server = amazon.server
    head = PROGRAM.format(key=server.key, secret=server.secret, host=server.host, port=server.port)
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise KeyError('why')", 1),
        ("sys.last_thing = writer; del writer", 0),
        ("import threading; keep = writer; threading.Thread(target=lambda: keep).start()", 0),
        ("writer.cycle = writer; del writer", 0),
        (REFUSE_THREADS + "del writer", 0),
    ],
)
@pytest.mark.parametrize("pieces", [1, 30])
def test_a_writer_alive_at_the_end_of_the_program_publishes_nothing(
    amazon: Store, end: str, code: int, pieces: int
) -> None:
    with _run(amazon, f"for _ in range({pieces}):\n    writer.write(piece)\n{end}\n") as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == code, told
    assert amazon.server.count("AbortMultipartUpload") == (pieces > 8)
    amazon.assert_nothing_is_left()


IN_A_THREAD = """
    import threading
    read = threading.Event()

    def source():
        yield bytes(30 * 1024 * 1024)
        read.set()
        {waits}
        yield bytes(30 * 1024 * 1024)

    def upload():
        driver.upload_object_via_stream(source(), container, "object")

    threading.Thread(target=upload, daemon={daemon}).start()
    read.wait()
"""


@pytest.mark.slow
def test_an_upload_of_a_daemon_thread_is_removed_at_the_end_of_the_program(amazon: Store) -> None:
    program = IN_A_THREAD.format(daemon=True, waits="threading.Event().wait()")
    with _run(amazon, program) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert amazon.server.count("AbortMultipartUpload") == 1
    amazon.assert_nothing_is_left()


@pytest.mark.slow
def test_an_upload_of_a_thread_continues_when_the_main_thread_has_ended(amazon: Store) -> None:
    program = IN_A_THREAD.format(daemon=False, waits="threading.main_thread().join()")
    with _run(amazon, program) as process:
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, "")
    amazon.assert_nothing_is_left("object")


@pytest.mark.slow
@pytest.mark.parametrize("fork", [FORK, FORK_AND_DROP], ids=["exit", "drop"])
def test_a_fork_leaves_the_writer_to_its_parent(amazon: Store, fork: str) -> None:
    program = f"for _ in range(10): writer.write(piece)\n{fork}writer.close()\n"
    with _run(amazon, program) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert amazon.server.count("AbortMultipartUpload") == 0
    amazon.assert_nothing_is_left("object")


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        "with writer:\n    go()\n",
        "go()\n",
        "import contextlib\nwith contextlib.closing(writer):\n    go()\n",
        "import io\nwith io.BufferedWriter(writer) as writer:\n    go()\n",
    ],
    ids=["with", "bare", "closing", "wrapper"],
)
def test_ctrl_c_publishes_nothing(amazon: Store, way: str) -> None:
    # Beyond the window, so that the upload is there and what reads its answer is loaded: Python
    # ends with another status when text is executed after Ctrl-C, as it is to make a dataclass.
    going = """
    def go():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in range(10**9):
            if number == 120:
                print("going", flush=True)
            writer.write(piece)
    """
    # In a session of its own: the terminal's Ctrl-C is not meant.
    with _run(amazon, textwrap.dedent(going) + way, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, told
    assert "KeyboardInterrupt" in told
    amazon.assert_nothing_is_left()


@pytest.mark.slow
def test_ctrl_c_inside_write_is_raised_by_it_and_close_raises_it_again(amazon: Store) -> None:
    program = """
    def interrupt(event):
        if getattr(event, "number", 0) == 3:
            signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    writer = container.ex_open_writer("object", on_event=interrupt)
    try:
        while True:
            writer.write(piece)
    except KeyboardInterrupt:
        print("raised")
    for _ in range(2):
        try:
            writer.close()
        except KeyboardInterrupt:
            print("again")
    """
    with _run(amazon, program) as process:
        said, told = process.communicate(timeout=60)
    assert said.split() == ["raised", "again", "again"], told
    amazon.assert_nothing_is_left()
