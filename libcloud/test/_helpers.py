# SPDX-License-Identifier: Apache-2.0
"""Small helpers for tests: the recording test case, changing answers, threads, secrets."""

from __future__ import annotations

import os
import random
import sys
import threading
import unittest
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from libcloud.common.credentials import discovery
from libcloud.common.credentials.discovery import Discovery

XML_HEADERS = {"content-type": "application/xml"}


def discovered(environ: Mapping[str, str], **arguments: Any) -> Discovery:
    """What is discovered in that environment, without botocore."""
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(discovery, "is_installed", return_value=False),
    ):
        return discovery.discover(**arguments)


class LibcloudTestCase(unittest.TestCase):
    """A test case that receives the requests of the mock that has it as ``test``.

    Requests may come from several threads; they are kept in the order in which they arrived.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._recording = threading.Lock()
        self._visited_urls: list[str] = []
        self._executed_mock_methods: list[str] = []

    def setUp(self) -> None:
        self._visited_urls = []
        self._executed_mock_methods = []

    def _add_visited_url(self, url: str) -> None:
        with self._recording:
            self._visited_urls.append(url)

    def _add_executed_mock_method(self, method_name: str) -> None:
        with self._recording:
            self._executed_mock_methods.append(method_name)

    def assertExecutedMethodCount(self, expected: int) -> None:
        """Fail unless exactly ``expected`` mock methods were called since ``setUp``."""
        actual = len(self._executed_mock_methods)
        self.assertEqual(
            actual,
            expected,
            f"expected {expected} mock methods to be called, but {actual} were: "
            f"{self._executed_mock_methods}",
        )


class multipleresponse:
    """Decorator for a mock method that returns a list: the n-th call gets the n-th element.

    The calls are counted for the decorated function, so for all instances of the mock together.
    A call beyond the last element is an :exc:`IndexError`.
    """

    count = 0
    func: Callable[..., Sequence[Any]] | None = None

    def __init__(self, f: Callable[..., Sequence[Any]]) -> None:
        self.func = f
        self._counting = threading.Lock()

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., Any]:
        return self if instance is None else partial(self._next_answer, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._next_answer(type(self.func), *args, **kwargs)

    def _next_answer(self, instance: object, *args: Any, **kwargs: Any) -> Any:
        assert self.func is not None
        answers = self.func(instance, *args, **kwargs)
        with self._counting:
            index, self.count = self.count, self.count + 1
        if index >= len(answers):
            raise IndexError(f"call {index + 1} of a mock with {len(answers)} answers")
        return answers[index]


class MockConnection:
    """Stands for a connection where only its ``action`` is looked at."""

    def __init__(self, action: str) -> None:
        self.action = action


def generate_random_data(size: int) -> str:
    """``size`` random decimal digits."""
    return "".join(random.choices("0123456789", k=size))


def no_network() -> bool:
    """Whether tests must open no connection: the environment has ``NO_NETWORK``."""
    return "NO_NETWORK" in os.environ


def no_internet() -> bool:
    """Whether tests must stay on loopback: ``NO_INTERNET`` or ``NO_NETWORK`` is set."""
    return "NO_INTERNET" in os.environ or no_network()


def run_in_threads(work: Callable[[int], None], count: int = 8) -> None:
    """Call ``work(0)`` to ``work(count - 1)`` at the same time, switching threads all the while.

    :raises BaseException: the first error of a thread.
    """
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:  # handed to the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]


_NAME = "libcloud.test.secrets"


def provide_secrets(directory: Path = Path(__file__).parent) -> None:
    """Load ``secrets.py-dist`` as ``libcloud.test.secrets`` unless there is a ``secrets.py``.

    No file is written, so it works in a read-only installation too.
    """
    if _NAME in sys.modules or (directory / "secrets.py").exists():
        return
    template = directory / "secrets.py-dist"
    module = ModuleType(_NAME)
    module.__file__ = str(template)
    exec(compile(template.read_text(encoding="utf-8"), template, "exec"), module.__dict__)
    sys.modules[_NAME] = module
    vars(sys.modules["libcloud.test"])["secrets"] = module


_ASIDE = "LIBCLOUD_TEST_ASIDE_"


def set_proxies_aside() -> None:
    """Hide proxies from this process and what it starts: the tests' servers are on loopback."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        os.environ[_ASIDE + name] = os.environ.pop(name)


def environment_for_downloads() -> dict[str, str]:
    """The environment with the proxies that were set aside."""
    return {name.removeprefix(_ASIDE): value for name, value in os.environ.items()}
