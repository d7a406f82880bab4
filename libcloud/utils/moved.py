# SPDX-License-Identifier: Apache-2.0
"""Makes modules importable under their former names."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would take longer than everything else here
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_UPLOAD = "libcloud.storage.transfer.upload"

MOVED = {
    "libcloud.common.aws_profiles": "libcloud.common.credentials.profiles",
    "libcloud.common.credential_botocore": "libcloud.common.credentials.botocore",
    "libcloud.common.credential_lookup": "libcloud.common.credentials.discovery",
    "libcloud.common.credential_renewal": "libcloud.common.credentials.provider",
    "libcloud.common.credential_sources": "libcloud.common.credentials.discovery",
    "libcloud.common.google_auth": "libcloud.common.google",
    "libcloud.common.google_types": "libcloud.common.google",
    "libcloud.common.httplib": "libcloud.http",
    "libcloud.common.lazy": "libcloud.utils.lazy",
    "libcloud.common.sigv2": "libcloud.common.signing.sigv2",
    "libcloud.common.sigv4": "libcloud.common.signing.sigv4",
    "libcloud.http.exchange": "libcloud.http.fast_path",
    "libcloud.http.plain": "libcloud.http.fast_path",
    "libcloud.http.response": "libcloud.http",
    "libcloud.storage._writer": "libcloud.storage.writer",
    "libcloud.storage.s3.profile": "libcloud.storage.s3.profiles",
    "libcloud.storage.transfer.governor": "libcloud.storage.transfer.retry",
    "libcloud.storage.transfer.machine": f"{_UPLOAD}.machine",
    "libcloud.storage.transfer.plan": f"{_UPLOAD}.plan",
    "libcloud.storage.transfer.run": f"{_UPLOAD}.runner",
    "libcloud.storage.transfer.run_exit": f"{_UPLOAD}.at_exit",
    "libcloud.storage.transfer.run_workers": f"{_UPLOAD}.workers",
    "libcloud.storage.transfer.session": f"{_UPLOAD}.session",
    "libcloud.storage.transfer.source": f"{_UPLOAD}.source",
    "libcloud.storage.transfer.states": f"{_UPLOAD}.states",
    "libcloud.storage.transfer.store": f"{_UPLOAD}.port",
    "libcloud.storage.transfer.writer": f"{_UPLOAD}.writer",
}


class _Loader:
    """Loads the module at its new location, and keeps its own specification."""

    def __init__(self, place: str) -> None:
        self._place = place

    def create_module(self, spec: Any) -> ModuleType:
        from importlib import import_module

        module = import_module(self._place)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class MovedModuleFinder:
    """Finds modules by their former names."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return the specification of a moved module; ``None`` for others."""
        place = MOVED.get(fullname)
        if place is None:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, _Loader(place))  # type: ignore[arg-type]


def install_moved_finder() -> None:
    """Let modules be imported by former names. Calling it again has no effect."""
    kind = MovedModuleFinder.__name__
    if not any(type(finder).__name__ == kind for finder in sys.meta_path):
        finder: Any = MovedModuleFinder()
        sys.meta_path.append(finder)
