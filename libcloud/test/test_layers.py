# SPDX-License-Identifier: Apache-2.0
"""The layers of the library, kept by reading what every module imports.

A module imports its own layer and those below. Imports inside functions count like all others, and
so do imports under ``if TYPE_CHECKING``: a type that is only found above belongs below. The few
exceptions are listed with their reasons, and an exception that is no longer needed is an error.

Imports form no cycle, either, and an import that only annotations need counts like the others.

Each rule is a function from a source file to its violations. The last tests plant a violation of
each rule in a made-up module, so that a rule that has stopped seeing anything is noticed.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Modules of scaleout that drivers call; the others are integrations above the drivers.
CALLED_BY_DRIVERS = (
    *("dask", "executor", "executors", "futures", "parts", "ray"),
    *("session", "staging", "text", "worker"),
)

# The longest prefix decides: libcloud.common.types is layer 0, the rest of libcloud.common layer 2.
LAYERS = {
    "libcloud.utils": 0,
    "libcloud.security": 0,
    "libcloud.common.types": 0,
    "libcloud.common.exceptions": 0,
    "libcloud.common.providers": 0,
    "libcloud.http": 1,
    "libcloud.common": 2,
    "libcloud.utils.connection": 2,
    "libcloud.utils.loggingconnection": 2,
    "libcloud.storage": 3,
    "libcloud.storage.transfer": 4,
    # Types of parameters.
    "libcloud.storage.transfer.budget": 3,
    "libcloud.storage.transfer.progress": 3,
    "libcloud.storage.azure": 5,
    "libcloud.storage.s3": 5,
    "libcloud.storage.swift": 5,
    "libcloud.storage.copying": 7,
    "libcloud.storage.drivers": 6,
    "libcloud.storage.providers": 7,
    "libcloud.storage.filesystem": 8,
    "libcloud.storage.scaleout": 8,
    **{f"libcloud.storage.scaleout.{name}": 5 for name in CALLED_BY_DRIVERS},
    "libcloud.cli": 8,
    "libcloud.base": 8,
    "libcloud": 8,
    "libcloud.test": 9,
}

# Who may import which distribution that is not part of Python; the tests may import any.
FOREIGN = {
    **dict.fromkeys(["requests", "urllib3"], ("libcloud.http",)),
    "lxml": ("libcloud.utils.xml",),
    # CRC-32C and CRC-64/NVME, an extra.
    "azure": ("libcloud.common.credentials.azure",),
    "awscrt": ("libcloud.utils.bodies",),
    "zlib_ng": ("libcloud.storage.s3.checksums",),
    "certifi": ("libcloud.security",),
    "keystoneauth1": ("libcloud.common.credentials.openstack",),
    "yaml": ("libcloud.common.credentials.openstack",),
    "botocore": ("libcloud.common.credentials.botocore",),
    "fasteners": ("libcloud.storage.drivers._local_lock",),
    "click": ("libcloud.cli",),
    "cryptography": ("libcloud.common.google_identity", "libcloud.utils.publickey"),
    "fsspec": ("libcloud.storage.filesystem",),
    # Each an extra, imported when it is used.
    **dict.fromkeys(
        ["dask", "distributed", "loky", "mpi4py", "pyspark", "ray"], ("libcloud.storage.scaleout",)
    ),
}

CONCURRENCY = {"threading", "_thread", "asyncio", "concurrent", "multiprocessing", "queue"}
NETWORK = {"socket", "ssl", "select", "selectors", "http"}
FILES = {"pathlib", "tempfile", "shutil", "io", "mmap"}
OPENERS = {"open", "io.open", "os.open", "os.fdopen", "builtins.open"}

# The modules of ``transfer`` that wait and start threads.
RUNNERS = (
    "libcloud.storage.transfer.download.parallel",
    "libcloud.storage.transfer.client",
    "libcloud.storage.transfer.upload.at_exit",
    "libcloud.storage.transfer.upload.runner",
    "libcloud.storage.transfer.upload.workers",
)

# (importing module, imported module): why it is right all the same.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("libcloud", "requests"): "programs reach it as libcloud.requests; loaded at the first access",
    ("libcloud.cli.demo", "libcloud.test.storage.fakes.servers"): (
        "the demonstration needs a server, and the one of the tests is installed with them"
    ),
    ("libcloud.storage.transfer.upload.session", "concurrent.futures.Executor"): "a parameter",
    ("libcloud.storage.transfer.budget", "threading.Condition"): "where uploads wait for others",
    ("libcloud.storage.transfer.budget", "threading.RLock"): "its lock",
    ("libcloud.storage.transfer.budget", "threading.get_ident"): "no thread waits for itself",
}


@dataclass(frozen=True)
class Source:
    """One module: its dotted name and its syntax tree."""

    module: str
    tree: ast.Module
    is_package: bool = False

    @functools.cached_property
    def imports(self) -> set[str]:
        """Dotted names of everything imported, wherever in the file: modules and their members."""
        return {name for node in ast.walk(self.tree) for name in self._imported_by(node)}

    def _imported_by(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = self._absolute(node)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _is_dynamic_import(node):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        kept = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def is_in(self, *packages: str) -> bool:
        """Whether the module is one of ``packages`` or inside one."""
        return any(_is_in(self.module, package) for package in packages)


def _is_dynamic_import(call: ast.Call) -> bool:
    return ast.unparse(call.func).endswith(("import_module", "__import__", "LazyAttribute"))


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _layer(name: str) -> int:
    return LAYERS[max((prefix for prefix in LAYERS if _is_in(name, prefix)), key=len)]


def _of_ours(source: Source) -> set[str]:
    # The version is a plain value which any layer may show, for example in the User-Agent.
    ours = {name for name in source.imports if _is_in(name, "libcloud")}
    return ours - {"libcloud.__version__"}


def imports_point_downwards(source: Source) -> Iterator[str]:
    """A module imports its own layer and those below."""
    for name in _of_ours(source):
        if _layer(name) > _layer(source.module):
            yield name


# Part of the type checker: imported by nothing that runs.
OF_THE_TYPE_CHECKER = {"_typeshed", "typing_extensions"}


def other_distributions_have_one_door(source: Source) -> Iterator[str]:
    """What is not part of Python is imported by the one module that is there for it."""
    if source.is_in("libcloud.test"):
        return
    for name in source.imports:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in {"libcloud", *OF_THE_TYPE_CHECKER}:
            continue
        if not source.is_in(*FOREIGN.get(top, ())):
            yield name


def only_runners_know_threads(source: Source) -> Iterator[str]:
    """In ``transfer`` only ``RUNNERS`` wait, start threads or look at a clock."""
    if source.is_in("libcloud.storage.transfer") and not source.is_in(*RUNNERS):
        yield from _tops(source, CONCURRENCY | NETWORK | {"time"})


def only_journal_and_source_open_files(source: Source) -> Iterator[str]:
    """In ``transfer`` only ``journal.py`` and ``source.py`` open files."""
    if not source.is_in("libcloud.storage.transfer") or _file(source) in {"journal", "source"}:
        return
    yield from _tops(source, FILES)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in OPENERS:
            yield ast.unparse(node.func)


def signing_and_credentials_need_no_connection(source: Source) -> Iterator[str]:
    """``common.signing`` and ``common.credentials`` know neither ``Connection`` nor ``http``."""
    if source.is_in("libcloud.common.signing", "libcloud.common.credentials"):
        names = ("base", "connection", "connections", "aws", "google")
        yield from _inside(source, *(f"libcloud.common.{name}" for name in names), "libcloud.http")


WITH_IO = frozenset(
    [
        "client",
        "containers",
        "copying",
        "deletion",
        "download_port",
        "listing",
        "multipart",
        "objects",
        "upload_port",
    ]
)
"""Modules of a protocol package that send requests, through its client."""


PROTOCOLS = ("libcloud.storage.azure", "libcloud.storage.s3")


def the_protocol_does_no_io(source: Source) -> Iterator[str]:
    """Most of a protocol turns values into values: no HTTP, no socket, no thread."""
    if source.is_in(*PROTOCOLS) and _file(source) not in WITH_IO:
        yield from _inside(source, "libcloud.http")
        yield from _tops(source, CONCURRENCY | NETWORK)


def drivers_do_not_know_the_registry(source: Source) -> Iterator[str]:
    """Drivers never import ``providers``, or the registry could not name them."""
    if source.is_in("libcloud.storage.drivers"):
        yield from _inside(source, "libcloud.storage.providers")


def nothing_needs_the_tests(source: Source) -> Iterator[str]:
    """Only ``libcloud.test`` imports ``libcloud.test``."""
    if not source.is_in("libcloud.test"):
        yield from _inside(source, "libcloud.test")


def py3_is_for_others(source: Source) -> Iterator[str]:
    """``utils.py3`` exists for programs that import it; nothing here needs it."""
    if not source.is_in("libcloud.utils.py3", "libcloud.test"):
        yield from _inside(source, "libcloud.utils.py3")


def no_object_hides_its_type(source: Source) -> Iterator[str]:
    """No method of ``storage`` declares ``self`` as ``Any``, to call what its class lacks."""
    if source.is_in("libcloud.storage"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.AnnAssign) and "Any" in ast.unparse(node.annotation):
                yield from [ast.unparse(node)] if ast.unparse(node).endswith("= self") else []


def drivers_import_by_statements(source: Source) -> Iterator[str]:
    """What a driver imports is seen by programs that freeze others, such as PyInstaller."""
    if source.is_in("libcloud.storage.drivers"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and _is_dynamic_import(node):
                yield from (
                    str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)
                )


def _file(source: Source) -> str:
    return source.module.rpartition(".")[2]


def _tops(source: Source, banned: set[str]) -> Iterator[str]:
    yield from (name for name in source.imports if name.partition(".")[0] in banned)


def _inside(source: Source, *packages: str) -> Iterator[str]:
    for name in source.imports:
        if any(_is_in(name, package) for package in packages):
            yield name


RULES: list[Callable[[Source], Iterator[str]]] = [
    imports_point_downwards,
    other_distributions_have_one_door,
    only_runners_know_threads,
    only_journal_and_source_open_files,
    signing_and_credentials_need_no_connection,
    the_protocol_does_no_io,
    drivers_do_not_know_the_registry,
    drivers_import_by_statements,
    nothing_needs_the_tests,
    py3_is_for_others,
    no_object_hides_its_type,
]


@functools.cache
def _tree() -> tuple[Source, ...]:
    return tuple(_read_tree())


def _read_tree() -> Iterator[Source]:
    for path in sorted((ROOT / "libcloud").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        yield Source(name, ast.parse(path.read_bytes(), str(path)), is_package)


def _excused(module: str, name: str) -> tuple[str, str] | None:
    for importer, imported in EXCEPTIONS:
        if module == importer and _is_in(name, imported):
            return importer, imported
    return None


@pytest.mark.source
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Callable[[Source], Iterator[str]]) -> None:
    found = {
        f"{source.module}: {name}"
        for source in _tree()
        for name in rule(source)
        if not _excused(source.module, name)
    }
    assert not found, f"{rule.__doc__} Against it: {sorted(found)}"


@pytest.mark.source
def test_every_exception_is_still_needed() -> None:
    used = {
        _excused(source.module, name)
        for source in _tree()
        for rule in RULES
        for name in rule(source)
    }
    assert set(EXCEPTIONS) <= used
    assert all(reason.strip() for reason in EXCEPTIONS.values())


def _import_graph(sources: Iterable[Source]) -> dict[str, set[str]]:
    """For each module, the modules that it imports; imports for annotations and in functions count.

    Where a module imports a package to name its modules (``s3.requests.head``), it depends on
    those modules, and on the package only if it uses something else of it.
    """
    known = {source.module: source for source in sources}
    return {
        name: {
            module
            for imported in _of_ours(source)
            for module in _modules_behind(imported, source, known)
            if module != name
        }
        for name, source in known.items()
    }


def _modules_behind(imported: str, source: Source, known: Mapping[str, Source]) -> set[str]:
    module = imported
    while module and module not in known:
        module = module.rpartition(".")[0]
    if not module or not known[module].is_package:
        return {module} - {""}
    # The package may be bound as its last name (from a import b) or be named in full (import a.b).
    spellings = (module, module.rpartition(".")[2])
    used = {
        f"{module}.{node.attr}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in spellings
    }
    return used & known.keys() if used and used <= known.keys() else {module} | used & known.keys()


def _cycles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """The groups of modules in which each one reaches every other by its imports."""
    reached = {name: _reachable(name, graph) for name in graph}
    return {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in graph
        if name in reached[name]
    }


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        for name in graph[pending.pop()] - found:
            found.add(name)
            pending.append(name)
    return found


@pytest.mark.source
def test_imports_form_no_cycle() -> None:
    cycles = _cycles(_import_graph(s for s in _tree() if not s.is_in("libcloud.test")))
    assert not [sorted(cycle) for cycle in cycles], "these modules import each other"


A, B, C = "libcloud.a", "libcloud.b", "libcloud.b.c"


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("import libcloud.b.c", "", "import libcloud.a"),
        ("from libcloud.b import c", "", "def f():\n    from libcloud.a import X"),
        ("from libcloud import b\nb.c.f()", "", "if TYPE_CHECKING:\n    from libcloud.a import X"),
        ("from libcloud.b import c", "", "import_module('libcloud.a')"),
        ("from libcloud import b\nb.f()", "from libcloud.b import c", "from libcloud import a"),
    ],
)
def test_a_planted_cycle_is_seen(a: str, b: str, c: str) -> None:
    code = [Source(A, ast.parse(a)), Source(B, ast.parse(b), True), Source(C, ast.parse(c))]
    assert len(_cycles(_import_graph(code))) == 1


def test_a_package_that_names_its_modules_is_no_cycle() -> None:
    code = [
        Source(A, ast.parse("from libcloud import b\nb.c.f()")),
        Source(B, ast.parse("from libcloud.b import c as c"), True),
        Source(C, ast.parse("from libcloud import b\nb.d.g()")),
        Source("libcloud.b.d", ast.parse("")),
    ]
    assert not _cycles(_import_graph(code))


# What takes long to import, and is needed with the first request, upload or answer only.
HEAVY = set(
    """
    concurrent.futures email http http.client lxml mimetypes random requests
    secrets shutil socket
    ssl tempfile urllib3 libcloud.common.request libcloud.common.signing.sigv4 libcloud.http
    libcloud.storage.destination libcloud.storage.payload libcloud.storage.writer
    libcloud.storage.s3.copying libcloud.storage.transfer.download.body
    libcloud.storage.s3.upload_port libcloud.storage.s3.uploads libcloud.storage.s3.errors
    libcloud.storage.s3.requests libcloud.storage.s3.responses
    libcloud.storage.transfer.upload.machine libcloud.storage.transfer.upload.session
    libcloud.storage.transfer.values libcloud.utils.retry
    """.split()
)


def _loaded_by(statement: str) -> set[str]:
    """What a fresh interpreter imports for ``statement``, with no certificates but the usual."""
    usual = {name: value for name, value in os.environ.items() if "CA_BUNDLE" not in name}
    program = (
        f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    )
    command = [sys.executable, "-c", program]
    return set(subprocess.check_output(command, cwd=ROOT, env=usual, text=True).split())


UTILS = ("libcloud.utils", "libcloud.utils.environment")


def test_importing_the_package_loads_next_to_nothing() -> None:
    loaded = _loaded_by("import libcloud")
    assert "libcloud" in loaded
    assert loaded <= {"libcloud", "__future__", "atexit", "importlib", "warnings", *UTILS}


@pytest.mark.parametrize("of", ["storage.drivers.minio", "storage.drivers.azure_blobs", "cli.main"])
def test_importing_a_driver_loads_nothing_that_only_a_request_needs(of: str) -> None:
    loaded = _loaded_by(f"import libcloud.{of}")
    assert f"libcloud.{of}" in loaded
    assert not loaded & HEAVY


def test_importing_a_driver_of_s3_loads_no_hash_and_no_client() -> None:
    loaded = _loaded_by("import libcloud.storage.drivers.minio")
    assert not loaded & {"base64", "hashlib", "hmac"}
    assert not loaded & {
        f"libcloud.storage.{name}" for name in ("error_details", "transfer.client")
    }


def test_a_plain_connection_loads_nothing_that_only_tls_needs() -> None:
    loaded = _loaded_by("from libcloud import http; http.LibcloudConnection('h', 80).ca_cert")
    assert "libcloud.security" in loaded
    assert not loaded & {"certifi", "importlib.resources", "requests", "ssl", "urllib3"}


def test_an_upload_of_one_request_loads_nothing_that_only_parts_need() -> None:
    loaded = _loaded_by("from libcloud.storage.s3 import uploads")
    assert "libcloud.storage.s3.upload_port" in loaded
    assert not loaded & {f"libcloud.storage.s3.{name}" for name in ("values", "responses")}
    assert "libcloud.storage.transfer.download.body" not in loaded


def test_a_request_without_a_body_loads_nothing_that_only_documents_need() -> None:
    loaded = _loaded_by("from libcloud.storage.s3 import headers, requests")
    assert "libcloud.storage.s3.requests" in loaded
    assert not loaded & {
        f"libcloud.storage.s3.{name}" for name in ("integrity", "values", "responses")
    }


def test_what_is_called_heavy_exists() -> None:
    missing = {name for name in HEAVY if importlib.util.find_spec(name) is None}
    assert not missing


TRANSFER = "libcloud.storage.transfer"
S3_PACKAGE = "libcloud.storage.s3"
BASE = "from libcloud.common.base import Connection"
PLANTED = [
    (imports_point_downwards, "libcloud.http", BASE),
    (imports_point_downwards, "libcloud.utils.files", "def f():\n    import libcloud.http"),
    (imports_point_downwards, "libcloud.utils.xml", "import_module('libcloud.http')"),
    (imports_point_downwards, "libcloud.storage.base", "from .drivers import s3"),
    (
        imports_point_downwards,
        "libcloud.common.base",
        "LazyAttribute('libcloud.storage.base', 'x')",
    ),
    (imports_point_downwards, "libcloud.common.types", "if TYPE_CHECKING:\n    from . import base"),
    (imports_point_downwards, f"{TRANSFER}.plan", "from libcloud.storage import s3"),
    (other_distributions_have_one_door, "libcloud.common.base", "import requests.adapters"),
    (other_distributions_have_one_door, f"{S3_PACKAGE}.responses", "from lxml import etree"),
    (other_distributions_have_one_door, "libcloud.utils.files", "import boto3"),
    (only_runners_know_threads, f"{TRANSFER}.machine", "import threading"),
    (only_runners_know_threads, f"{TRANSFER}.plan", "from concurrent import futures"),
    (only_runners_know_threads, f"{TRANSFER}.machine", "from time import monotonic"),
    (only_journal_and_source_open_files, f"{TRANSFER}.plan", "open('x')"),
    (only_journal_and_source_open_files, f"{TRANSFER}.plan", "os.open('x', 0)"),
    (only_journal_and_source_open_files, f"{TRANSFER}.run", "from pathlib import Path"),
    (signing_and_credentials_need_no_connection, "libcloud.common.signing.sigv4", BASE),
    (
        signing_and_credentials_need_no_connection,
        "libcloud.common.signing.sigv2",
        "from .. import base",
    ),
    (the_protocol_does_no_io, f"{S3_PACKAGE}.profiles", "from libcloud import http"),
    (the_protocol_does_no_io, f"{S3_PACKAGE}.errors", "import socket"),
    (drivers_do_not_know_the_registry, "libcloud.storage.drivers.s3", "from .. import providers"),
    (drivers_import_by_statements, "libcloud.storage.drivers.s3", "import_module('fasteners')"),
    (nothing_needs_the_tests, "libcloud.cli.main", "from libcloud.test import MockHttp"),
    (py3_is_for_others, "libcloud.storage.base", "from libcloud.utils.py3 import b"),
    (no_object_hides_its_type, "libcloud.storage.base", "def f(self):\n    driver: Any = self"),
]


@pytest.mark.parametrize(("rule", "module", "code"), PLANTED)
def test_a_planted_violation_is_seen(
    rule: Callable[[Source], Iterator[str]], module: str, code: str
) -> None:
    assert list(rule(Source(module, ast.parse(code))))


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


ALLOWED = [
    ("libcloud.http", "import requests\nfrom libcloud import __version__, security"),
    ("libcloud.storage.transfer.upload.workers", "import threading, time\nfrom . import machine"),
    ("libcloud.storage.transfer.journal", "import os, tempfile\nos.open('x', 0)"),
    ("libcloud.common.base", "from libcloud.http import LibcloudConnection\nimport threading"),
    (
        "libcloud.storage.drivers._local_lock",
        "import fasteners\nfrom libcloud.storage.base import Object",
    ),
    ("libcloud.test.test_x", "import pytest\nfrom libcloud.storage.providers import get_driver"),
]


@pytest.mark.parametrize(("module", "code"), ALLOWED)
def test_what_is_allowed_is_not_reported(module: str, code: str) -> None:
    source = Source(module, ast.parse(code))
    assert not [name for rule in RULES for name in rule(source)]
