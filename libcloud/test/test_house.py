# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a program can check: sizes, heads of files, fragments, documents."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import libcloud

pytestmark = pytest.mark.source

ROOT = Path(__file__).resolve().parents[2]
LICENCE_LINE = "# SPDX-License-Identifier: Apache-2.0"

# "About 300" and "about 40" lines of code: blank lines, comments and docstrings are not counted.
# A module of tests is a list of cases, read one at a time.
MODULE_LINES = 315
TEST_MODULE_LINES = 420
FUNCTION_LINES = 40

# What is larger, and why that is right.
LARGE_MODULES: dict[str, str] = {
    "libcloud/storage/base.py": "objects, containers and drivers refer to each other: modules of "
    "their own would import each other",
    "libcloud/storage/drivers/swift.py": "the public methods of the driver, with the signatures of "
    "Apache Libcloud: each is a few lines that call the protocol package or the engine",
    "libcloud/common/google.py": "the clock and the metadata request, which programs and tests "
    "replace in this module, and everything that uses them",
    "libcloud/test/storage/fakes/swift.py": "one fake of one protocol, with the checks of all of "
    "its requests",
    "libcloud/storage/drivers/azure_blobs.py": "the public methods of one class, with their "
    "signatures and a few lines each",
    "libcloud/test/storage/test_azure_blobs.py": "one test for each method of the driver",
    "libcloud/storage/drivers/s3.py": "the public methods and the hooks of one class, with "
    "their signatures and a few lines each",
}
LARGE_FUNCTIONS: dict[str, str] = {}


def _python_files() -> list[Path]:
    places = [ROOT / "libcloud", ROOT / "contrib"]
    found = [path for place in places for path in place.rglob("*.py")]
    return sorted([*found, ROOT / "setup.py", ROOT / "docs" / "conf.py"])


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _documentation(tree: ast.AST) -> set[int]:
    """Numbers of the lines that hold docstrings, also those of attributes."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


@functools.cache
def _code_lines(source: str) -> frozenset[int]:
    """Numbers of the lines that hold code."""
    lines = enumerate(map(str.strip, source.splitlines()), start=1)
    code = {number for number, line in lines if line and not line.startswith("#")}
    return frozenset(code - _documentation(ast.parse(source)))


def _functions(source: str) -> Iterator[tuple[str, int]]:
    """Name of each function and the lines of code of its body; its signature is not its own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
            yield node.name, len(_code_lines(source).intersection(own))


def _large_modules() -> dict[str, int]:
    sizes = {_name(path): len(_code_lines(_text(path))) for path in _python_files()}
    return {name: size for name, size in sizes.items() if size > _allowed_lines(name)}


def _allowed_lines(name: str) -> int:
    is_test = name.rpartition("/")[2].startswith("test_")
    return TEST_MODULE_LINES if is_test else MODULE_LINES


def _large_functions() -> dict[str, int]:
    return {
        f"{_name(path)}:{name}": size
        for path in _python_files()
        for name, size in _functions(_text(path))
        if size > FUNCTION_LINES
    }


def test_modules_are_of_a_size_to_be_read() -> None:
    assert set(_large_modules()) == set(LARGE_MODULES), _large_modules()


def test_functions_fit_on_a_screen() -> None:
    assert set(_large_functions()) == set(LARGE_FUNCTIONS), _large_functions()


def test_only_lines_of_code_are_counted() -> None:
    source = (
        'def f():\n    """One.\n\n    Two.\n    """\n    # Three.\n\n    return (\n        1)\n'
    )
    assert list(_functions(source)) == [("f", 2)]


@pytest.mark.parametrize("path", _python_files(), ids=_name)
def test_a_source_file_starts_with_its_licence_and_a_docstring(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert LICENCE_LINE in text.splitlines()[:2]  # the first may be "#!"
    assert ast.get_docstring(ast.parse(text)) or path.name == "__init__.py"


@pytest.mark.parametrize(
    "package", ["storage", "storage/transfer", "storage/s3", "storage/drivers", "common"]
)
def test_a_package_documents_its_purpose_and_its_tests(package: str) -> None:
    source = (ROOT / "libcloud" / package / "__init__.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    assert "import" in docstring
    assert "test" in docstring


# Change fragments and CHANGES


def _fragments() -> list[Path]:
    return sorted((ROOT / "contrib" / "changes").iterdir())


def _complaints(name: str, text: str) -> list[str]:
    """What is wrong with the form of a change fragment; empty when nothing is."""
    sentences = re.findall(r"[^.!?]+[.!?](?=\s|$)", text.replace("e.g.", "eg"))
    checks = {
        "the name is lower case, digits and hyphens": re.fullmatch(r"[a-z0-9-]+\.md", name),
        "it ends with a full stop and one line end": re.search(r"[.`)]\n\Z", text),
        "it is one paragraph": "\n\n" not in text,
        "it is neither heading nor list": not re.match(r"[#*\-+]\s", text),
        "it has one to three sentences": 1 <= len(sentences) <= 3,
    }
    return [rule for rule, kept in checks.items() if not kept]


def test_change_fragments_have_their_form() -> None:
    found = {
        path.name: _complaints(path.name, path.read_text(encoding="utf-8"))
        for path in _fragments()
        if path.name != "README.md"
    }
    assert not {name: complaints for name, complaints in found.items() if complaints}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Upper.md", "It failed. It works.\n"),
        ("a.txt", "It failed. It works.\n"),
        ("a.md", "It failed. It works"),
        ("a.md", "# Heading\n"),
        ("a.md", "It failed.\n\nIt works.\n"),
        ("a.md", "- It failed. It works.\n"),
        ("a.md", "One. Two. Three. Four.\n"),
        ("a.md", ""),
    ],
)
def test_a_misshapen_fragment_is_noticed(name: str, text: str) -> None:
    assert _complaints(name, text)


def test_a_good_fragment_is_accepted() -> None:
    assert not _complaints(
        "s3-3.9.1.md".replace(".9.1", "-9-1"), "It lost `3.9.1` data. It is kept.\n"
    )


def test_changes_begins_with_the_current_version() -> None:
    text = (ROOT / "CHANGES").read_text(encoding="utf-8")
    headings = re.findall(r"^(\S+) \(([^)]+)\)\n-+$", text, flags=re.MULTILINE)
    assert headings[0][0] == libcloud.__version__
    assert all(re.fullmatch(r"not released yet|\d{4}-\d\d-\d\d", when) for _, when in headings)


def test_the_version_is_the_api_level_and_ours() -> None:
    assert re.fullmatch(r"3\.9\.1\+s3multipart\.[1-9]\d*", libcloud.__version__)


# Documents


def _document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_documents_name_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", _document("Makefile"), flags=re.MULTILINE))
    named = re.findall(r"\bmake ([a-z]+)\b", _code(_document("README.md"))) + re.findall(
        r"\bmake ([a-z]+)\b", _code(_document("contrib/HACKING.md"))
    )
    assert named and set(named) <= targets


def test_documents_name_test_environments_that_exist() -> None:
    config = _document("tox.ini")
    listed = re.search(r"^env_list = (.+)$", config, flags=re.MULTILINE)
    named = re.findall(r"ENVS=([a-z0-9]+)", _document("contrib/HACKING.md") + _document("Makefile"))
    assert listed and named and set(named) <= set(listed[1].split(", "))


def _code(markdown: str) -> str:
    """Indented lines and text between backquotes."""
    indented = re.findall(r"^    .+$", markdown, flags=re.MULTILINE)
    return "\n".join([*indented, *re.findall(r"`([^`]+)`", markdown)])


def test_paths_named_in_the_documents_exist() -> None:
    named = {
        path
        for document in ("README.md", "contrib/HACKING.md", "contrib/changes/README.md")
        for path in re.findall(r"`((?:contrib|libcloud)/[\w./]+)`", _document(document))
    }
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("number", range(1, 36))
def test_the_table_of_differences_has_a_row_for_each(number: int) -> None:
    assert (
        len(re.findall(rf"^\| G{number} \|", _document("docs/migrate/differences.md"), flags=re.M))
        == 1
    )


def test_each_planted_bug_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change moves the text that a planted bug replaces: it moves along, in the same commit."""
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    planted = importlib.import_module("mutant_list").MUTANTS
    lost = [
        f"{bug.name} ({bug.path})"
        for bug in planted
        if (ROOT / bug.path).read_text("utf-8").count(bug.old) != 1
    ]
    assert planted
    assert not lost


def test_each_planted_bug_names_a_test_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "contrib"))
    planted = importlib.import_module("mutant_list").MUTANTS
    names = [name.partition("::")[::2] for bug in planted for name in bug.selected]
    lost = [
        f"{file}::{test}"
        for file, test in names
        if f"def {test.split('::')[-1].split('[')[0]}" not in (ROOT / file).read_text("utf-8")
    ]
    assert not lost
