# SPDX-License-Identifier: Apache-2.0
"""A process that is killed during an upload damages nothing, and what it leaves is cleaned up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
from libcloud.test.storage.conformance.harness import pattern
from libcloud.test.storage.fakes.swift import FakeSwift

DATA = pattern(5000)

# Sends part after part, and ends only if it is killed.
UPLOADER = """
import itertools, sys
from libcloud.storage.base import Container
from libcloud.storage.drivers.cloudfiles import OpenStackSwiftStorageDriver
user, key, port = sys.argv[1:]
driver = OpenStackSwiftStorageDriver(user, key, secure=False, host="127.0.0.1", port=int(port))
driver.upload_object_via_stream(
    itertools.repeat(b"x" * 1000), Container("docs", {}, driver), "big", ex_part_size=1000
)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_upload_leaves_the_old_object(
    fake: FakeSwift,
    driver: OpenStackSwiftStorageDriver,
    container: Container,
    number: signal.Signals,
) -> None:
    container.upload_object_via_stream(iter([DATA]), "big", ex_part_size=1000)
    before = fake.segments()
    command = [sys.executable, "-c", UPLOADER, fake.user, fake.key, str(fake.port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while len(fake.segments()) < len(before) + 3:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate(timeout=30)
    fake.connections.wait_for_ended_processes()
    assert process.returncode
    assert fake.body("docs", "big") == DATA
    left = list(driver.ex_iterate_multipart_uploads(container))
    assert [upload.key for upload in left] == (["big"] if number == signal.SIGKILL else [])
    driver.ex_cleanup_all_multipart_uploads(container)
    assert fake.segments() == before
