# SPDX-License-Identifier: Apache-2.0
"""Compares a module with a record of its public names, ``api_3_9_1.json``; the known differences.

The record holds names, signatures and simple values of the modules of Apache Libcloud 3.9.1 that
this library has too. Functions which a module there merely imported are left out, and so is
everything it imported from outside of ``libcloud``, and the text of its messages.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

Entry: TypeAlias = "Mapping[str, Any]"
Parameters: TypeAlias = "Sequence[tuple[str, str, str | None]]"

_MISSING = object()


class Difference(NamedTuple):
    """One difference: the full name of what differs, and how."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def module_differences(module: str, record: Mapping[str, Entry]) -> list[Difference]:
    """How ``module`` differs from its record, to the harm of those who use it."""
    try:
        found = import_module(module)
    except ImportError as error:
        return [Difference(module, f"cannot be imported ({error})")]
    differences: list[Difference] = []
    for name, entry in record.items():
        actual = getattr(found, name, _MISSING)
        where = f"{module}.{name}"
        texts = ["is missing"] if actual is _MISSING else _entry_differences(entry, actual)
        differences += [Difference(where, text) for text in texts]
        if actual is not _MISSING and isinstance(actual, type) and entry["kind"] == "class":
            differences += _class_differences(where, entry, actual)
    return differences


def _entry_differences(entry: Entry, actual: object) -> list[str]:
    kind = entry["kind"]
    if kind == "class" and not isinstance(actual, type):
        return ["is no class"]
    if kind == "function":
        if not callable(actual):
            return ["cannot be called"]
        return signature_differences(entry["sig"], _parameters(actual))
    if kind == "const":
        return _value_differences(entry["value"], actual)
    return []


# What ``enum`` keeps in a class; other versions of Python keep something else.
_SUNDER = re.compile(r"_[a-z0-9][a-z0-9_]*[a-z0-9]_")


def _class_differences(where: str, entry: Entry, actual: type) -> Iterator[Difference]:
    ancestors = {ancestor.__name__ for ancestor in actual.__mro__}
    for base in entry["bases"]:
        if base not in ancestors:
            yield Difference(where, f"does not derive from {base}")
    for name, member in entry["members"].items():
        if _SUNDER.fullmatch(name):
            continue
        static = inspect.getattr_static(actual, name, _MISSING)
        texts = ["is missing"] if static is _MISSING else _member_differences(member, static)
        for text in texts:
            yield Difference(f"{where}.{name}", text)


def _member_differences(member: Entry, static: object) -> list[str]:
    kind = member["kind"]
    if kind == "attr":
        is_plain = not hasattr(type(static), "__get__") or callable(static)
        return _value_differences(member["value"], static) if is_plain else []
    if kind == "property":
        return []
    inner = getattr(static, "__func__", static)
    if not callable(inner):
        return ["cannot be called"]
    expected = list(member["sig"])
    parameters = _parameters(inner)
    if isinstance(static, staticmethod) != (kind == "staticmethod"):
        return [f"is no {kind}"]
    if isinstance(static, classmethod) != (kind == "classmethod"):
        return [f"is no {kind}"]
    if kind != "staticmethod":
        expected, parameters = expected[1:], parameters[1:]
    return signature_differences(expected, parameters)


def signature_differences(expected: Parameters, actual: Sequence[inspect.Parameter]) -> list[str]:
    """How calls that fit ``expected`` fail or mean something else with ``actual``.

    Further parameters do no harm if a caller need not give them and they come last.

    :param expected: name, kind and default (``None``: there is none) of each parameter. When there
        is nothing but ``*args, **kwargs`` the record does not say what fits, so all does.
    """
    if {kind for _, kind, _ in expected} == {"VAR_POSITIONAL", "VAR_KEYWORD"}:
        return []
    positional = [p for p in actual if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    by_name = {p.name: p for p in actual}
    found: list[str] = []
    for position, (name, kind, default) in enumerate(expected):
        if kind in {"VAR_POSITIONAL", "VAR_KEYWORD"}:
            if not any(p.kind.name == kind for p in actual):
                found.append(f"takes no {'*' if kind == 'VAR_POSITIONAL' else '**'}{name}")
            continue
        own = by_name.get(name)
        if own is None or own.kind.name.startswith("VAR_"):
            found.append(f"has no parameter {name}")
            continue
        if kind == "POSITIONAL_OR_KEYWORD" and positional[position : position + 1] != [own]:
            found.append(f"has {name} at another position")
        if default is not None:
            found += _default_differences(name, default, own)
    named = {name for name, _, _ in expected}
    for own in actual:
        if own.name not in named and own.default is own.empty and own.kind.name[:3] != "VAR":
            found.append(f"demands {own.name}")
    return found


def _default_differences(name: str, default: str, own: inspect.Parameter) -> list[str]:
    if own.default is own.empty:
        return [f"demands {name}"]
    return [f"{name}: {text}" for text in _value_differences(default, own.default)]


def _value_differences(expected: str, actual: object) -> list[str]:
    """A mapping may hold more than recorded, and a tuple stand for a list."""
    try:
        value = ast.literal_eval(expected)
    except (ValueError, SyntaxError):
        return []
    if isinstance(value, dict) and isinstance(actual, Mapping):
        actual = {key: actual[key] for key in actual if key in value}
    elif isinstance(value, list) and isinstance(actual, tuple):
        actual = list(actual)
    return [] if value == actual else [f"is {actual!r}, not {expected}"]


def _parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


_REGION = "None stands for the default region, which the profile names"
_KEYWORDS = "an unknown keyword is an error; it was ignored"
_HOST = "the host in REGION_TO_HOST_MAP; 3.9.1 named another one here"
_DRIVERS = "libcloud.storage.drivers"

DIFFERENCES: dict[str, str] = {
    "libcloud.storage.drivers.dummy.DummyStorageDriver._add_object": "objects hold their data",
    "libcloud.storage.drivers.local.LocalStorageDriver._check_container_name": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_obj_file_path": "done by destination",
    "libcloud.storage.drivers.local.LocalStorageDriver._get_objects": "done by Tree",
    "libcloud.storage.drivers.local.LocalStorageDriver._make_path": "done by _open_new",
    "libcloud.utils.files._optimized_chunked_generator": "one generator serves all sizes",
    "libcloud.common.google.GoogleInstalledAppAuthConnection._state": "created for each sign-in",
    f"{_DRIVERS}.google_storage.GoogleStorageDriver.supports_chunked_encoding": (
        "streams are sent as they are read; 3.9.1 held them in memory"
    ),
    f"{_DRIVERS}.s3.S3EUNorth1Connection.host": _HOST,
    f"{_DRIVERS}.s3.S3_EU_NORTH1_HOST": _HOST,
    f"{_DRIVERS}.s3.S3_EU_SOUTH1_HOST": _HOST,
    f"{_DRIVERS}.digitalocean_spaces.DOSpacesConnectionAWS2.__init__": _KEYWORDS,
    f"{_DRIVERS}.digitalocean_spaces.DOSpacesConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.digitalocean_spaces.DigitalOceanSpacesStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.minio.MinIOConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.ovh.OvhStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.rgw.S3RGWConnectionAWS2.__init__": _KEYWORDS,
    f"{_DRIVERS}.rgw.S3RGWConnectionAWS4.__init__": _KEYWORDS,
    f"{_DRIVERS}.rgw.S3RGWOutscaleStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.rgw.S3RGWStorageDriver.__init__": _REGION,
    f"{_DRIVERS}.scaleway.ScalewayStorageDriver.__init__": _REGION,
}
