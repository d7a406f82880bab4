# SPDX-License-Identifier: Apache-2.0
"""A fake store in a process of its own, where one request in twenty goes wrong.

Run as a program, with a seed, it writes where it listens, and when its input ends what it has seen;
both are JSON objects. What goes wrong with which request is chosen by a seeded die.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from libcloud.test.storage.fakes import options
from libcloud.test.storage.fakes.faults import (
    Action,
    Drop,
    ErrorIn200,
    Faults,
    FlipBit,
    LoseAnswer,
    Status,
    Truncate,
)
from libcloud.test.storage.fakes.server import FakeS3
from libcloud.test.storage.fakes.servers import Endpoint
from libcloud.test.storage.fakes.wire import Incoming

BUCKET = "troubled"
SHARE = 0.05

_ANYWHERE: tuple[Action, ...] = (
    Status(500),
    Status(503, "SlowDown"),
    Status(429, "TooManyRequests", headers={"Retry-After": "0"}),
    Drop("before_body"),
    Drop("in_body"),
    Drop("after_body"),
    LoseAnswer(),
    FlipBit(),
)
_AT: dict[str, tuple[Action, ...]] = {
    "GetObject": (Truncate(0), Truncate(1), Truncate(1500), Truncate(4000)),
    "CompleteMultipartUpload": (ErrorIn200(), Truncate(30)),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came to the server.

    :param violations: see :attr:`FakeS3.violations`.
    :param faults: requests that went wrong.
    :param lost_creates: answers to Create that were lost: each leaves an empty upload.
    :param uploads: numbers of parts of the uploads that are left.
    """

    requests: int
    faults: int
    lost_creates: int
    objects: int
    uploads: list[int]
    violations: list[str]


class _Dice(Faults):
    """A script that is thrown."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._dice = random.Random(seed)
        self._guard = threading.Lock()
        self.thrown: Counter[tuple[str, str]] = Counter()

    def take(self, operation: str, request: Incoming) -> Action:
        """What goes wrong with this request, if anything does."""
        with self._guard:
            if self._dice.random() >= SHARE:
                return Action()
            action = self._dice.choice(_ANYWHERE + _AT.get(operation, ()))
            self.thrown[operation, type(action).__name__] += 1
            return action


class TroubledServer:
    """The program of this module; a context manager."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> TroubledServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self._seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.endpoint = Endpoint(name="troubled", **json.loads(self._process.stdout.readline()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.communicate(timeout=60)

    def end(self) -> Seen:
        """End the server; what it has seen."""
        text, _ = self._process.communicate(timeout=60)
        return Seen(**json.loads(text))


def _seen(server: FakeS3, dice: _Dice) -> dict[str, Any]:
    return {
        "requests": len(server.requests),
        "faults": dice.thrown.total(),
        "lost_creates": dice.thrown["CreateMultipartUpload", "LoseAnswer"],
        "objects": len(server.objects),
        "uploads": [len(upload.parts) for upload in server.unfinished_uploads()],
        "violations": server.violations,
    }


def _serve(seed: int) -> None:
    with FakeS3(replace(options.AMAZON, min_part_size=1)) as server:
        server.create_bucket(BUCKET)
        server.faults = dice = _Dice(seed)
        where = {"host": server.host, "port": server.port}
        print(json.dumps({**where, "key": server.key, "secret": server.secret}), flush=True)
        sys.stdin.read()
        print(json.dumps(_seen(server, dice)), flush=True)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
