# SPDX-License-Identifier: Apache-2.0
"""What ``help()`` and an editor show of every public method: all parameters, units and errors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

import libcloud
from libcloud.storage import providers
from libcloud.storage.base import Container, Object, StorageDriver
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.filesystem import AzureFileSystem, LibcloudFileSystem, SwiftFileSystem
from libcloud.storage.keywords import ReadKeywords, complete_help
from libcloud.storage.transfer.budget import MemoryBudget
from libcloud.storage.writer import UploadWriter
from libcloud.utils.help import complete

if TYPE_CHECKING:
    from typing_extensions import Unpack

DRIVERS = sorted(
    {providers.get_driver(name) for name in providers.DRIVERS}, key=lambda kind: kind.__name__
)
FILE_SYSTEMS = (LibcloudFileSystem, SwiftFileSystem, AzureFileSystem)
CLASSES = (Object, Container, UploadWriter, MemoryBudget, StorageDriver, *DRIVERS, *FILE_SYSTEMS)
FUNCTIONS = (providers.get_driver, providers.set_driver, libcloud.enable_debug)

# What a number counts, or that it is an ordinal.
UNIT = re.compile(
    r"bytes?\b|seconds|hours|\btimes?\b|at once|at a time|number|level|factor|\bport\b"
    r"|usual one|not used|no effect"
)


def public_methods(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods that the library defines, inherited ones included."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        function = getattr(member, "__func__", member)
        is_ours = str(getattr(function, "__module__", "")).startswith("libcloud.")
        if not name.startswith("_") and isinstance(function, FunctionType) and is_ours:
            yield name, function


METHODS = {
    f"{function.__module__}.{function.__qualname__}": function
    for kind in CLASSES
    for _, function in public_methods(kind)
} | {f"{function.__module__}.{function.__name__}": function for function in FUNCTIONS}


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [
        one
        for one in inspect.signature(function).parameters.values()
        if one.name not in ("self", "cls")
    ]


def description(doc: str, name: str) -> str | None:
    found = re.search(rf":param (?:[^:\s]+ )?{name}:((?:.|\n(?= ))*)", doc)
    return " ".join(found[1].split()) if found else None


def complaints(names: list[inspect.Parameter], doc: str) -> list[str]:
    """What ``doc`` does not say of parameters."""
    found = []
    for one in names:
        text = description(doc, one.name)
        if one.kind is one.VAR_KEYWORD:
            if not str(one.annotation).startswith("Unpack["):
                found.append(f"{one}: which keywords?")
        elif not text:
            found.append(f"{one.name}: not described")
        elif re.match(r"(int|float)\b", str(one.annotation)) and not UNIT.search(text):
            found.append(f"{one.name}: of which unit? {text}")
    return found


@pytest.mark.parametrize("name", METHODS)
def test_the_help_of_a_method_names_its_parameters_units_and_errors(name: str) -> None:
    doc = inspect.getdoc(METHODS[name]) or ""
    prose = doc.partition(":param")[0].partition(":raises")[0].strip()
    assert prose, "says nothing"
    assert not prose.startswith("See "), "refers to another method only"
    assert complaints(parameters(METHODS[name]), doc) == []
    assert ":raises " in doc or "No error is raised" in doc, "names no errors"


# The base class ignores what it does not know: drivers of other projects pass it on.
WITH_CONSTRUCTORS = [kind for kind in CLASSES if kind is not StorageDriver]


@pytest.mark.parametrize("kind", WITH_CONSTRUCTORS, ids=lambda kind: kind.__name__)
def test_the_help_of_a_class_names_the_parameters_of_its_constructor(kind: type) -> None:
    doc = inspect.getdoc(kind) or ""
    assert complaints(parameters(kind.__init__), doc) == []  # type: ignore[misc]


def test_a_method_without_a_docstring_has_that_of_its_base_class() -> None:
    doc = inspect.getdoc(BaseS3StorageDriver.create_container) or ""
    assert doc.startswith("Create a container and return it.")
    assert "ContainerAlreadyExistsError" in doc


def test_a_method_of_a_container_has_the_help_of_the_driver_s() -> None:
    doc = inspect.getdoc(Container.upload_object) or ""
    assert doc.startswith("Upload the file at")
    assert description(doc, "ex_part_size") == description(
        inspect.getdoc(BaseS3StorageDriver.upload_object) or "", "ex_part_size"
    )


def test_an_editor_sees_the_keywords_of_an_upload() -> None:
    shown = inspect.signature(BaseS3StorageDriver.upload_object).parameters
    assert shown["ex_part_size"].kind is inspect.Parameter.KEYWORD_ONLY
    assert shown["ex_on_failure"].default == "abort"
    assert shown["ex_request_payer"].default is False


def test_text_of_the_docstring_takes_precedence() -> None:
    class Base:
        def send(self, size: int, name: str) -> None:
            """Send.

            :param size: bytes.
            :param name: a name.
            :return: nothing.
            :raises OSError: it fails.
            """

    class Derived(Base):
        def send(self, size: int, name: str, *, more: int = 0) -> None:
            """Send better.

            :param name: another name.
            :raises ValueError: it is wrong.
            """

    glossary = {"param more": ":param more: from the glossary.", "param name": ":param name: no."}
    complete(Derived, glossary)
    assert (inspect.getdoc(Derived.send) or "").split("\n") == [
        "Send better.",
        "",
        ":param size: bytes.",
        ":param name: another name.",
        ":param more: from the glossary.",
        ":return: nothing.",
        ":raises OSError: it fails.",
        ":raises ValueError: it is wrong.",
    ]


def test_annotations_may_be_classes() -> None:
    def delete_object(self: Any, obj: Any) -> bool:
        return True

    delete_object.__annotations__ = {"obj": Object, "return": bool}
    namespace = {"__module__": "libcloud.mine", "delete_object": delete_object}
    kind = type("Mine", (StorageDriver,), namespace)
    assert ":param obj:" in (vars(kind)["delete_object"].__doc__ or "")


def test_classes_of_other_projects_stay_as_they_are() -> None:
    namespace = {"__module__": "elsewhere", "delete_object": lambda self, obj: True}
    kind = type("Other", (StorageDriver,), namespace)
    assert vars(kind)["delete_object"].__doc__ is None


def test_completing_twice_changes_nothing() -> None:
    before = inspect.getdoc(BaseS3StorageDriver.upload_object)
    complete_help(BaseS3StorageDriver, StorageDriver)
    assert inspect.getdoc(BaseS3StorageDriver.upload_object) == before


def test_a_class_shows_the_keywords_of_its_methods_and_of_its_constructor() -> None:
    class Reader:
        """Reads."""

        def __init__(self, key: str) -> None:
            pass

        def read(self, **options: Unpack[ReadKeywords]) -> None:
            """Read."""

    complete_help(Reader)
    shown = inspect.signature(Reader.read)
    assert "*, ex_sse_customer_key: bytes | None = None" in str(shown).replace("'", "")
    assert shown.bind(Reader("x"), ex_request_payer=True).arguments["ex_request_payer"] is True
    assert description(Reader.read.__doc__ or "", "ex_sse_customer_key")
    assert description(Reader.__doc__ or "", "key")
