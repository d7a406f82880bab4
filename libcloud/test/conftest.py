# SPDX-License-Identifier: Apache-2.0
"""Set-up for all tests: placeholder credentials, signals, and no deadlines of hypothesis."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from typing import Any

import pytest
from hypothesis import settings

from libcloud.test._helpers import provide_secrets, set_proxies_aside

provide_secrets()
set_proxies_aside()
# As tox does, which hands on none of them: a profile, for example, is not that of a test.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]

# How long an example takes depends on what else the machine does.
settings.register_profile("libcloud", deadline=None)
settings.load_profile("libcloud")

# A shell without job control lets what it starts by "&" ignore Ctrl-C; tests would hand that on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Likewise SIGHUP, below nohup.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Exempt what exists after the collection from garbage collection, which is slow otherwise."""
    gc.collect()
    gc.freeze()


_last: list[str] = [""]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Collect the garbage of other modules before tests for which an unclosed socket is an error.

    Otherwise, it is reported in whichever test it is collected.
    """
    module = item.nodeid.partition("::")[0]
    is_new, _last[0] = module != _last[0], module
    filters = [text for mark in item.iter_markers("filterwarnings") for text in mark.args]
    if is_new and "error::ResourceWarning" in filters:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(params=[True, False], ids=["fast", "urllib3"])
def http_path(request: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run a test twice: with the fast path of HTTP, and without; the value says which it is."""
    from libcloud.http import LibcloudConnection, fast_path

    # Otherwise requests without them, which no driver sends, do not take it.
    needed = {"user-agent": "me", "accept-encoding": "gzip, deflate", "host": "h"}
    lines = {name: (name.title(), value) for name, value in needed.items()}
    monkeypatch.setattr(fast_path, "DEFAULT_HEADERS", {**fast_path.DEFAULT_HEADERS, **lines})
    monkeypatch.setattr(LibcloudConnection, "fast_path", request.param)
    return bool(request.param)
