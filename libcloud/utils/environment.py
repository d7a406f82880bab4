# SPDX-License-Identifier: Apache-2.0
"""The environment of a program: modules of its build, optional dependencies, a terminal.

There are two builds: ``libcloud-storage``, the storage half alone, and the complete build of
``contrib/fork/``, which has all other modules of Apache Libcloud as well.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would take longer than everything else here
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

PACKAGES = ("backup", "compute", "container", "dns", "loadbalancer", "pricing")

_COMMON = """
    abiquo aliyun azure azure_arm brightbox buddyns cloudsigma cloudstack digitalocean dimensiondata
    dnsimple dnspod durabledns gandi gandi_live gig_g8 gridscale kubernetes linode liquidweb luadns
    maxihost nfsn nsone nttcis onapp openstack openstack_identity osc ovh pointdns rackspace upcloud
    vultr worldwidedns xmlrpc zonomi
"""

_MODULES = {
    *(f"libcloud.{name}" for name in PACKAGES),
    *(f"libcloud.common.{name}" for name in _COMMON.split()),
    *(f"libcloud.storage.drivers.{name}" for name in ("atmos", "ktucloud", "nimbus", "ninefold")),
}


def unavailable(name: str) -> str:
    return (
        f"{name} is not part of libcloud-storage, which is the storage half of Apache Libcloud. "
        "The complete build has it: run `make fork` and install the wheel, as described in "
        'README.md under "Replacing Apache Libcloud".'
    )


def is_complete() -> bool:
    return os.path.isdir(os.path.join(os.path.dirname(os.path.dirname(__file__)), "compute"))


_DOWNLOAD = "libcloud.storage.transfer.download"
_UPLOAD = "libcloud.storage.transfer.upload"

MOVED = {
    "libcloud.common.aws_profiles": "libcloud.common.credentials.discovery",
    "libcloud.common.connections": "libcloud.common.base",
    "libcloud.common.credential_botocore": "libcloud.common.credentials.botocore",
    "libcloud.common.credential_lookup": "libcloud.common.credentials.discovery",
    "libcloud.common.credential_renewal": "libcloud.common.credentials.provider",
    "libcloud.common.credential_sources": "libcloud.common.credentials.discovery",
    "libcloud.common.credentials.clouds": "libcloud.common.credentials.openstack",
    "libcloud.common.credentials.profiles": "libcloud.common.credentials.discovery",
    "libcloud.common.google_auth": "libcloud.common.google",
    "libcloud.common.google_types": "libcloud.common.google",
    "libcloud.common.httplib": "libcloud.http",
    "libcloud.common.lazy": "libcloud.utils.lazy",
    "libcloud.common.settings": "libcloud.common.connection",
    "libcloud.common.sigv2": "libcloud.common.signing.sigv2",
    "libcloud.common.sigv4": "libcloud.common.signing.sigv4",
    "libcloud.http.exchange": "libcloud.http.fast_path",
    "libcloud.http.heads": "libcloud.http.messages",
    "libcloud.http.plain": "libcloud.http.fast_path",
    "libcloud.http.response": "libcloud.http",
    "libcloud.http.tls": "libcloud.http.connections",
    "libcloud.storage._writer": "libcloud.storage.writer",
    "libcloud.storage.drivers.azure_values": "libcloud.storage.azure.responses",
    "libcloud.storage.filesystem.azure": "libcloud.storage.filesystem",
    "libcloud.storage.filesystem.planning": "libcloud.storage.filesystem.workers",
    "libcloud.storage.filesystem.request_cost": "libcloud.storage.filesystem.reading",
    "libcloud.storage.filesystem.stores": "libcloud.storage.filesystem",
    "libcloud.storage.filesystem.swift": "libcloud.storage.filesystem",
    "libcloud.storage.many_objects": "libcloud.storage.types",
    "libcloud.storage.s3.profile": "libcloud.storage.s3.profiles",
    "libcloud.storage.s3.response": "libcloud.storage.s3.http_response",
    "libcloud.storage.scaleout.copying": "libcloud.storage.copying",
    "libcloud.storage.scaleout.entries": "libcloud.storage.scaleout.places",
    "libcloud.storage.scaleout.job_folder": "libcloud.storage.scaleout.places",
    "libcloud.storage.scaleout.properties": "libcloud.storage.copying",
    "libcloud.storage.s3.values": "libcloud.storage.s3.responses",
    "libcloud.storage.s3.versions": "libcloud.storage.s3.objects",
    "libcloud.storage.transfer.download.connections": f"{_DOWNLOAD}.parallel",
    f"{_DOWNLOAD}.ranges": f"{_DOWNLOAD}.port",
    "libcloud.storage.transfer.governor": "libcloud.storage.transfer.retry",
    "libcloud.storage.transfer.machine": f"{_UPLOAD}.machine",
    "libcloud.storage.transfer.plan": f"{_UPLOAD}.plan",
    "libcloud.storage.transfer.run": f"{_UPLOAD}.runner",
    "libcloud.storage.transfer.run_exit": f"{_UPLOAD}.at_exit",
    "libcloud.storage.transfer.run_workers": f"{_UPLOAD}.workers",
    "libcloud.storage.transfer.session": f"{_UPLOAD}.session",
    "libcloud.storage.transfer.source": f"{_UPLOAD}.source",
    "libcloud.storage.transfer.states": f"{_UPLOAD}.states",
    "libcloud.storage.transfer.store": "libcloud.storage.transfer.values",
    "libcloud.storage.transfer.upload.options": f"{_UPLOAD}.session",
    f"{_UPLOAD}.port": "libcloud.storage.transfer.values",
    f"{_UPLOAD}.writer": f"{_UPLOAD}.session",
    "libcloud.storage.transfer.writer": f"{_UPLOAD}.session",
}


class _Loader:
    def __init__(self, place: str) -> None:
        self._place = place

    def create_module(self, spec: Any) -> ModuleType:
        from importlib import import_module

        module = import_module(self._place)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class ModuleFinder:
    """The last finder on ``sys.meta_path``: for modules that Python itself does not find."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
        """Find a module that has moved; raise for one that only the complete build has."""
        if fullname in _MODULES:
            raise ModuleNotFoundError(unavailable(fullname), name=fullname)
        place = MOVED.get(fullname)
        if place is None:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, _Loader(place))  # type: ignore[arg-type]


def install_finders() -> None:
    """Make former names importable, and errors for ``import libcloud.compute`` name the build."""
    if ModuleFinder not in sys.meta_path:
        sys.meta_path.append(ModuleFinder)


def missing_extra(package: str, extra: str) -> str:
    return f"this needs {package}: pip install 'libcloud-storage[{extra}]'"


def can_ask_user() -> bool:
    """Whether a user can be prompted: on a terminal, or in an interactive interpreter."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)
