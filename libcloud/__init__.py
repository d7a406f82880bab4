# SPDX-License-Identifier: Apache-2.0
"""Object storage for Python: the storage half of the libcloud API.

The rest of the library, and requests, are imported at the first access.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module

from libcloud.utils.environment import PACKAGES, install_finders, is_complete, unavailable

TYPE_CHECKING = False  # as type checkers know it: importing typing takes as long as all else here
if TYPE_CHECKING:
    from typing import Any

__all__ = ["__version__", "enable_debug"]

__version__ = "3.9.1+s3multipart.1"

_IN_BASE = ("DriverType", "DriverTypeFactoryMap", "get_driver")
_SUBMODULES = ("base", "common", "http", "security", "storage", "utils")


def __getattr__(name: str) -> Any:
    if name == "requests":
        return import_module("requests")
    if name in _SUBMODULES:
        return import_module(f"libcloud.{name}")
    if name in _IN_BASE:
        from libcloud import base

        return getattr(base, name)
    if name in PACKAGES:
        if is_complete():
            return import_module(f"libcloud.{name}")
        raise AttributeError(unavailable(f"libcloud.{name}"))
    raise AttributeError(f"module 'libcloud' has no attribute {name!r}")


def enable_debug(fo: Any) -> None:
    """Write each request and response to a text file, without signatures, tokens and keys.

    No error is raised.

    :param fo: is closed when Python exits.
    """
    from libcloud.common.base import Connection
    from libcloud.utils.loggingconnection import LoggingConnection

    LoggingConnection.log = fo
    Connection.conn_class = LoggingConnection
    atexit.register(fo.close)


def reset_debug() -> None:
    from libcloud.common.base import Connection
    from libcloud.http import LibcloudConnection
    from libcloud.utils.loggingconnection import LoggingConnection

    LoggingConnection.log = None
    Connection.conn_class = LibcloudConnection


def _init_once() -> None:
    """Do what the environment asks for, and refuse a library known to break.

    ``LIBCLOUD_DEBUG`` names a file for :func:`enable_debug`, which is appended to.
    """
    path = os.environ.get("LIBCLOUD_DEBUG")
    if path:
        mode = "w" if path in ("/dev/stdout", "/dev/stderr") else "a"
        log = open(path, mode, encoding="utf-8")  # noqa: SIM115  open until Python exits
        enable_debug(log)
        _enable_ssh_debug(log)
    requests = sys.modules.get("requests")
    if requests is not None and requests.__version__ == "2.6.0":
        chardet = requests.packages.chardet.__version__
        assert chardet == "2.3.0", "Known bad version of requests detected"


def _enable_ssh_debug(fo: Any) -> None:
    """Write the log of paramiko, which deploys nodes in the complete build, to the same file."""
    import logging

    logger = logging.getLogger("paramiko")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.StreamHandler(fo))


install_finders()
_init_once()
