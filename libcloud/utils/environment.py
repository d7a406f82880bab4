# SPDX-License-Identifier: Apache-2.0
"""What a program can use: modules of its build, optional dependencies, a terminal.

There are two builds: ``libcloud-storage``, the storage half alone, and the complete build of
``contrib/fork/``, which has all other modules of Apache Libcloud as well.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would take longer than everything else here
if TYPE_CHECKING:
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
    """Return the message for ``name``, which only the complete build has."""
    return (
        f"{name} is not part of libcloud-storage, which is the storage half of Apache Libcloud. "
        "The complete build has it: run `make fork` and install the wheel, as described in "
        'README.md under "Which build to install".'
    )


def is_complete() -> bool:
    """Return whether this is the complete build."""
    return os.path.isdir(os.path.join(os.path.dirname(os.path.dirname(__file__)), "compute"))


class ModuleFinder:
    """The last finder on ``sys.meta_path``: raises for modules that only the complete build has."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> None:
        """Only raise: Python's own error for other modules is right."""
        if fullname in _MODULES:
            raise ModuleNotFoundError(unavailable(fullname), name=fullname)


def install_finder() -> None:
    """Make the error for ``import libcloud.compute`` name the build."""
    if ModuleFinder not in sys.meta_path:
        sys.meta_path.append(ModuleFinder)


def missing_extra(package: str, extra: str) -> str:
    """The message for a missing optional dependency.

    >>> missing_extra("loky", "loky")
    "this needs loky: pip install 'libcloud-storage[loky]'"
    """
    return f"this needs {package}: pip install 'libcloud-storage[{extra}]'"


def can_ask_user() -> bool:
    """Return whether a user can be prompted: on a terminal, or in an interactive interpreter."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return True
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)
