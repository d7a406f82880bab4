# SPDX-License-Identifier: Apache-2.0
"""The end of the program: what is done in functions of ``atexit``, in threads that outlive the main
thread, and by ``close()`` of a writer that something else has ended before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from libcloud.common.types import LibcloudError
from libcloud.storage import writer as writers
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.dummy import DummyStorageDriver
from libcloud.storage.writer import SpoolSink, UploadWriter
from libcloud.test.storage.s3_servers import Store
from libcloud.utils import local
from libcloud.utils.local import ExitFunctions

PROGRAM = """
import atexit, io, logging, os, sys, threading
from libcloud.storage.base import Container, Object
from libcloud.storage.drivers.s3 import S3StorageDriver

driver = S3StorageDriver({key!r}, {secret!r}, host={host!r}, port={port}, secure=False)
container = Container("bucket", {{}}, driver)
obj = Object("source", 40_000_000, None, {{}}, {{}}, container, driver)

def pieces():
    return iter([bytes(1_000_000)] * 20)
"""

# Everything that imports something when it is first used, or starts threads.
FIRST_USES = {
    "small": "driver.upload_object_via_stream(iter([b'data']), container, 'new')",
    "large": "driver.upload_object_via_stream(pieces(), container, 'new')",
    "file": "driver.upload_object(sys.executable, container, 'new')",
    "writer": "w = container.ex_open_writer('new'); w.writelines(pieces()); w.close()",
    "download": "driver.download_object(obj, sys.argv[1])",
    "connections": "driver.download_object(obj, sys.argv[1], ex_window=4, ex_part_size=1_000_000)",
    "list": "driver.list_container_objects(container)",
    "copy": "driver.ex_copy_object(obj, container, 'new')",
    "delete": "list(driver.ex_delete_objects([obj]))",
}

STAGES = {
    "atexit": "atexit.register(work)",
    # It begins when the main thread has ended.
    "thread": (
        "main = threading.main_thread()\n"
        "threading.Thread(target=lambda: (main.join(), work())).start()"
    ),
}


def _run(amazon: Store, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    server = amazon.server
    head = PROGRAM.format(key=server.key, secret=server.secret, host=server.host, port=server.port)
    command = [sys.executable, "-c", head + program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("use", FIRST_USES)
def test_first_use_after_the_main_thread_has_ended_works(
    amazon: Store, tmp_path: object, use: str, stage: str
) -> None:
    amazon.driver.upload_object_via_stream(iter([bytes(40_000_000)]), amazon.container, "source")

    program = f"def work():\n    {FIRST_USES[use]}\n    print('done')\n{STAGES[stage]}\n"
    done = _run(amazon, program, f"{tmp_path}/file")

    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


# Logging.

HANDLER = """
class Handler(logging.StreamHandler):
    def close(self):
        self.stream.close()
        super().close()

class Writes(logging.Handler):
    def __init__(self, writer):
        super().__init__()
        self.writer = writer
    def emit(self, record):
        self.writer.write(self.format(record).encode() + b"\\n")
    def close(self):
        self.writer.close()
        super().close()

from libcloud.storage.filesystem import LibcloudFileSystem
fs = LibcloudFileSystem(driver=driver)
handler = {handler}
logging.getLogger().addHandler(handler)
for _ in range({count}):
    logging.error("x" * 99_999)
"""

HANDLERS = {
    "of its own": "Writes(container.ex_open_writer('log'))",
    "text": "Handler(io.TextIOWrapper(container.ex_open_writer('log')))",
    "fsspec": "Handler(io.TextIOWrapper(fs.open('bucket/log', 'wb')))",
}


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_log_that_is_closed_at_the_end_of_the_program_is_stored(
    amazon: Store, handler: str, count: int
) -> None:
    done = _run(amazon, HANDLER.format(handler=HANDLERS[handler], count=count))

    assert (done.returncode, done.stderr) == (0, "")
    assert amazon.body("log") == (b"x" * 99_999 + b"\n") * count
    assert list(amazon.driver.ex_iterate_multipart_uploads(amazon.container)) == []


CLOSED_TOO_LATE = """
class Log:
    def __init__(self):
        self.writer = container.ex_open_writer("log")
        self.writer.writelines(pieces())
    def __del__(self):
        self.writer.close()

log = Log()
"""


@pytest.mark.slow
def test_a_writer_closed_after_the_end_of_the_program_raises(amazon: Store) -> None:
    done = _run(amazon, CLOSED_TOO_LATE)

    assert "bucket/log: the program ended before close(): nothing is published" in done.stderr
    assert list(amazon.driver.ex_iterate_multipart_uploads(amazon.container)) == []
    assert amazon.driver.list_container_objects(amazon.container) == []


# The same without a process.


class _Registry:
    """In place of ``atexit``."""

    def __init__(self) -> None:
        self.functions: list[object] = []
        self.register = self.functions.append
        self.exits = ExitFunctions(last=True)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> _Registry:
    found = _Registry()
    monkeypatch.setattr(local, "atexit", found)
    monkeypatch.setattr(writers, "_exits", found.exits)
    return found


def _opened() -> tuple[UploadWriter[Object], Container]:
    container = DummyStorageDriver("key", "").create_container("c")
    sink = SpoolSink(lambda file: container.upload_object_via_stream(file, "log"))
    return UploadWriter(sink, "c/log"), container


def test_a_writer_is_open_while_functions_of_atexit_run(registry: _Registry) -> None:
    writer, container = _opened()
    for function in registry.functions:
        function()  # type: ignore[operator]

    writer.write(b"data")
    writer.close()

    assert container.get_object("log").size == 4
    assert not registry.exits._calls


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_open_when_they_have_returned_is_an_error_to_write_and_to_close(
    registry: _Registry,
) -> None:
    writer, container = _opened()
    writer.write(b"data")
    registry.functions.clear()  # as atexit does in the end

    for call in (lambda: writer.write(b"more"), writer.close, writer.close):
        with pytest.raises(LibcloudError, match="the program ended before close"):
            call()
    assert container.list_objects() == []


def test_a_writer_that_has_ended_leaves_nothing_to_the_end(registry: _Registry) -> None:
    published, container = _opened()
    published.close()
    aborted, _ = _opened()
    aborted.abort()
    aborted.close()  # the caller knows

    assert not registry.exits._calls
    assert [obj.name for obj in container.list_objects()] == ["log"]


@pytest.mark.slow
def test_a_download_that_is_still_open_at_the_end_is_silent(amazon: Store) -> None:
    """Its finalizer runs when the modules that it needs are gone."""
    amazon.driver.upload_object_via_stream(iter([bytes(40_000_000)]), amazon.container, "source")
    program = "import gc\npieces = obj.as_stream(1000)\nprint(len(next(pieces)))\ngc.freeze()\n"
    done = _run(amazon, program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")
