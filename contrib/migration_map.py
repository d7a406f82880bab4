# SPDX-License-Identifier: Apache-2.0
"""Makes ``docs/migrate/map.md``: where each part of Apache Libcloud 3.9.1 is in this library.

The names come from the record of Apache Libcloud's API, the places from the running code, the notes
from ``migration_notes.py``. A test compares the page with what this makes.

    python contrib/migration_map.py          writes the page again
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from migration_notes import LIBCLOUD_269, NOTES

from libcloud.storage.base import StorageDriver
from libcloud.storage.drivers.google_storage import GoogleStorageDriver
from libcloud.storage.drivers.minio import MinIOStorageDriver
from libcloud.storage.drivers.rgw import S3RGWStorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.test._surface import DIFFERENCES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "migrate" / "map.md"
RECORD = ROOT / "libcloud" / "test" / "api_3_9_1.json"

#: The modules that LIBCLOUD-269 changed, as they are in 3.9.1.
MODULES = (
    "libcloud.storage.drivers.s3",
    "libcloud.common.aws",
    "libcloud.common.base",
    "libcloud.test",
)

#: Columns of the table of providers: a heading, and a method that a driver must define.
METHODS = {
    "list": "iterate_container_objects",
    "create": "create_container",
    "upload": "upload_object",
    "stream": "upload_object_via_stream",
    "download": "download_object",
    "range": "download_object_range",
    "delete": "delete_object",
}

INTRODUCTION = """\
# Where each name is

For those who review this library against Apache Libcloud 3.9.1: where each class and method is, and
what differs. A place is the module that defines it, and its name there; what is defined in another
module than in 3.9.1 can still be imported from where it was. `python contrib/migration_map.py`
makes this page, and a test compares it with the code.
"""


def page() -> str:
    """The page, in Markdown."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    sections = [INTRODUCTION, _section_269()]
    sections += [_section(module, record[module]) for module in MODULES]
    return "\n".join([*sections, _providers()])


def _section_269() -> str:
    lines = ["## LIBCLOUD-269\n", "| in LIBCLOUD-269 | here | what differs |", "|---|---|---|"]
    for name, (path, note) in LIBCLOUD_269.items():
        lines.append(f"| {name} | {_place(path)} | {note} |")
    return "\n".join(lines) + "\n"


def _section(module: str, entries: Mapping[str, Any]) -> str:
    lines = [f"## `{module}`\n", "| in 3.9.1 | here | what differs |", "|---|---|---|"]
    for name, entry in sorted(entries.items()):
        if entry["kind"] == "class":
            lines += _rows_of_class(module, name, entry)
        elif entry["kind"] == "function":
            lines.append(_row(module, name))
    constants = [name for name, entry in sorted(entries.items()) if entry["kind"] == "const"]
    text = ", ".join(f"`{name}`" for name in constants)
    return "\n".join(lines) + f"\n\nConstants, all of them here: {text}.\n"


def _rows_of_class(module: str, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield _row(module, name)
    for member, described in sorted(entry["members"].items()):
        if described["kind"] != "attr":
            yield _row(module, f"{name}.{member}")


def _row(module: str, name: str) -> str:
    full_name = f"{module}.{name}"
    note = NOTES.get(full_name) or DIFFERENCES.get(full_name) or ""
    return f"| `{name}` | {_place(full_name)} | {note} |"


def _place(path: str) -> str:
    """Where the object at ``path`` is defined: its module and its name there."""
    module, holder, found = _find(path)
    if found is None:
        return "-"
    if isinstance(holder, type):
        name = path.rpartition(".")[2]
        owner = next(kind for kind in holder.__mro__ if name in vars(kind))
        return f"`{owner.__module__}`: `{owner.__qualname__}.{name}`"
    if isinstance(found, type) or inspect.isfunction(found):
        return f"`{found.__module__}`: `{found.__qualname__}`"
    return f"`{module}`: `{path.rpartition('.')[2]}`"


def _find(path: str) -> tuple[str, Any, Any]:
    """The module, what holds the object, and the object; ``None`` if there is none."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            holder: Any = import_module(module)
        except ModuleNotFoundError:
            continue
        for name in parts[length:-1]:
            holder = getattr(holder, name)
        return module, holder, getattr(holder, parts[-1], None)
    raise LookupError(path)


def _providers() -> str:
    """The methods that each driver defines itself or inherits from another driver."""
    header = ["provider", "driver", *METHODS, "parts", "presigned URL"]
    lines = ["## Supported methods of providers\n", f"| {' | '.join(header)} |"]
    lines.append("|" + "---|" * len(header))
    for provider in sorted(DRIVERS):
        driver: Any = get_driver(provider)
        marks = [_mark(_defines(driver, method)) for method in METHODS.values()]
        marks.append(_mark(getattr(driver, "supports_s3_multipart_upload", False)))
        marks.append(_mark(_presigns(driver)))
        lines.append(f"| `{provider}` | `{driver.__name__}` | {' | '.join(marks)} |")
    lines.append("")
    lines.append("*parts* is `supports_s3_multipart_upload`. A *presigned URL* is what")
    lines.append("`get_object_cdn_url` returns; the drivers for RADOS Gateway have it with")
    lines.append('`signature_version="4"`.')
    return "\n".join(lines) + "\n"


def _defines(driver: type, method: str) -> bool:
    return getattr(driver, method) is not getattr(StorageDriver, method)


def _presigns(driver: Any) -> bool:
    """Whether a driver with the usual settings has presigned URLs."""
    if not issubclass(driver, BaseS3StorageDriver) or issubclass(driver, GoogleStorageDriver):
        return False
    host = "localhost" if driver in {MinIOStorageDriver, S3RGWStorageDriver} else None
    return bool(driver("key", "secret", host=host).capabilities.presigned_urls)


def _mark(value: object) -> str:
    return "\u2713" if value else "-"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
