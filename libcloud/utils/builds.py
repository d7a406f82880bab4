# SPDX-License-Identifier: Apache-2.0
"""Which build of the library is installed, and clear errors for modules of the other build.

There are two builds: ``libcloud-storage``, the storage half alone, and the complete build of
``contrib/fork/``, which has all other modules of Apache Libcloud as well.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would take longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

PACKAGES = ("backup", "compute", "container", "dns", "loadbalancer", "pricing")

_COMMON = """
    abiquo aliyun azure azure_arm brightbox buddyns cloudsigma cloudstack digitalocean dimensiondata
    dnsimple dnspod durabledns gandi gandi_live gig_g8 gridscale kubernetes linode liquidweb luadns
    maxihost nfsn nsone nttcis onapp openstack openstack_identity osc ovh pointdns rackspace upcloud
    vultr worldwidedns xmlrpc zonomi
"""

_STORAGE_DRIVERS = """
    atmos ktucloud nimbus ninefold
"""


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


def _modules() -> Iterator[str]:
    yield from (f"libcloud.{name}" for name in PACKAGES)
    yield from (f"libcloud.common.{name}" for name in _COMMON.split())
    yield from (f"libcloud.storage.drivers.{name}" for name in _STORAGE_DRIVERS.split())


class ModuleFinder:
    """The last finder on ``sys.meta_path``: raises for modules that only the complete build has."""

    def __init__(self, modules: Iterable[str]) -> None:
        self._modules = frozenset(modules)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Return ``None`` for all other modules, so that Python raises its usual error.

        :raises ModuleNotFoundError: the module is in the complete build only.
        """
        if fullname in self._modules:
            raise ModuleNotFoundError(unavailable(fullname), name=fullname)


def install_finder() -> None:
    """Make ``import libcloud.compute`` raise an error that names the build with it.

    Calling it again has no effect.
    """
    if not any(type(finder).__name__ == ModuleFinder.__name__ for finder in sys.meta_path):
        finder: Any = ModuleFinder(_modules())
        sys.meta_path.append(finder)
