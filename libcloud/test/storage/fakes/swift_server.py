# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift from Debian's packages, started for a test: all servers, one replica, TempAuth.

The packages are ``swift-proxy``, ``swift-account``, ``swift-container``, ``swift-object`` and
``memcached``. :func:`missing_programs` names what is not installed.

Reference: OpenStack Swift, "SAIO - Swift All In One" and "Proxy Server Configuration".
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from libcloud.test.storage.fakes.server import HOST
from libcloud.test.storage.fakes.servers import (
    Endpoint,
    MissingServerError,
    ServerError,
    _folder,
    _running,
    reserved_ports,
)

USER, KEY = "test:tester", "testing"

_KINDS = ("account", "container", "object")
_PROGRAMS = (
    "memcached",
    "swift-ring-builder",
    *(f"swift-{kind}-server" for kind in ("proxy", *_KINDS)),
)
_PIPELINE = (
    "catch_errors gatekeeper healthcheck cache listing_formats bulk tempurl tempauth copy slo dlo "
    "versioned_writes symlink proxy-server"
)

_CONSTRAINTS = """\
[swift-hash]
swift_hash_path_suffix = tests
swift_hash_path_prefix = tests
[storage-policy:0]
name = one
default = yes
"""

_COMMON = """\
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/srv
mount_check = false
disable_fallocate = true
log_level = WARNING
recon_cache_path = {folder}
"""

_FILTERS = {
    "cache": "use = egg:swift#memcache\nmemcache_servers = {host}:{memcached}",
    "tempauth": f"use = egg:swift#tempauth\nuser_{USER.replace(':', '_')} = {KEY} .admin",
    "versioned_writes": "use = egg:swift#versioned_writes\nallow_object_versioning = true",
}


def missing_programs() -> list[str]:
    """Programs of Debian's packages that are not installed."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


@contextlib.contextmanager
def swift_server() -> Iterator[Endpoint]:
    """A Swift of its own, on loopback; its key is ``test:tester``."""
    missing = missing_programs()
    if missing:
        raise MissingServerError(f"{', '.join(missing)}: install Debian's packages of Swift")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_folder("swift-"))
        ports = stack.enter_context(reserved_ports(5))
        proxy, memcached, *backends = ports
        _configure(folder, proxy, memcached, dict(zip(_KINDS, backends, strict=True)))
        variables = {"EVENTLET_NO_GREENDNS": "yes", "TMPDIR": str(folder)}
        user = ["-u", getpass.getuser()]
        commands = {
            "memcached": (["memcached", "-l", HOST, "-p", str(memcached), *user], memcached)
        }
        for kind, port in zip(_KINDS, backends, strict=True):
            commands[kind] = ([f"swift-{kind}-server", str(folder / f"{kind}.conf")], port)
        commands["proxy"] = (["swift-proxy-server", str(folder / "proxy.conf")], proxy)
        servers = [
            _running(f"swift {name}", command, port, variables=variables)
            for name, (command, port) in commands.items()
        ]
        # Each takes seconds to import what it needs: they start side by side.
        with ThreadPoolExecutor(len(servers)) as pool:
            started = [pool.submit(stack.enter_context, server) for server in servers]
        for future in started:
            future.result()
        yield Endpoint("swift", HOST, proxy, key=USER, secret=KEY)


def _configure(folder: Path, proxy: int, memcached: int, backends: dict[str, int]) -> None:
    (folder / "srv" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(_CONSTRAINTS)
    values = {"host": HOST, "user": getpass.getuser(), "folder": folder, "memcached": memcached}
    for kind, port in backends.items():
        text = _COMMON.format(port=port, **values)
        text += f"[pipeline:main]\npipeline = {kind}-server\n"
        text += f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        (folder / f"{kind}.conf").write_text(text)
        _make_ring(folder, kind, port)
    text = _COMMON.format(port=proxy, **values)
    text += f"expose_info = true\n[pipeline:main]\npipeline = {_PIPELINE}\n"
    text += "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
    for name in _PIPELINE.split()[:-1]:
        settings = _FILTERS.get(name, f"use = egg:swift#{name}").format(**values)
        text += f"[filter:{name}]\n{settings}\n"
    (folder / "proxy.conf").write_text(text)


def _make_ring(folder: Path, kind: str, port: int) -> None:
    """One partition power of 4, one replica, one device."""
    builder = str(folder / f"{kind}.builder")
    for arguments in (
        ["create", "4", "1", "0"],
        ["add", f"r1z1-{HOST}:{port}/d1", "1"],
        ["rebalance"],
    ):
        made = subprocess.run(
            ["swift-ring-builder", builder, *arguments], capture_output=True, check=False
        )
        if made.returncode > 1:  # 1 is a warning
            raise ServerError(f"no ring for {kind}: {made.stdout[-500:].decode()}")
