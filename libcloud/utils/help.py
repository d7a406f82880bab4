# SPDX-License-Identifier: Apache-2.0
"""Completes docstrings, so that ``help()`` and editors show parameters that are described once.

A method's help names every parameter and the errors. What its docstring leaves out is taken from
the same method of a base class, from the methods that the docstring refers to
(``:meth:`download_object```), and from a glossary; ``**options: Unpack[Keywords]`` is shown as the
keywords of that ``TypedDict``. This module is imported when somebody asks for help, see
:mod:`libcloud.utils.lazy_help`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import FunctionType
from typing import Any, NamedTuple

from libcloud.utils.lazy_help import public_functions

_FIELD = re.compile(r":(\w+)(?: (?:[^:\s]+ )?(\w+))?:")
# Before a line that is not indented: what follows continues it.
_BLOCK_START = re.compile(r"\n(?=\S)")
_REFERENCE = re.compile(r":meth:`[.~]?(?:[\w.]*\.)?(\w+)`")
_UNPACKED = re.compile(r"Unpack\[(\w+)\]$")

_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY

# Defaults of keywords, which a TypedDict cannot state.
_DEFAULTS = {"ex_on_failure": "abort", "secure": True, "verify_hash": True}


class _Doc(NamedTuple):
    """A docstring: its prose, and the fields by the name of the parameter or the exception."""

    prose: str
    params: Mapping[str, str]
    returns: str
    raises: Mapping[str, str]


@lru_cache(maxsize=512)
def _parse(text: str) -> _Doc:
    prose: list[str] = []
    params: dict[str, str] = {}
    returns: list[str] = []
    raises: dict[str, str] = {}
    for block in _BLOCK_START.split(text):
        field = _FIELD.match(block) if block[:1] == ":" else None
        if field is None:
            prose.append(block)
            continue
        kind, name = field.groups()
        block = block.rstrip()
        if kind == "param":
            params[name] = block
        elif kind == "raises":
            raises[name] = block
        elif kind in ("return", "returns"):
            returns.append(block)
    return _Doc("\n".join(prose).rstrip(), params, "\n".join(returns), raises)


def descriptions(*kinds: object) -> dict[str, str]:
    """The descriptions of parameters in docstrings, by name; the first one counts."""
    found: dict[str, str] = {}
    for kind in kinds:
        for name, text in _parse(_doc(kind)).params.items():
            found.setdefault(name, text)
    return found


def complete(
    kind: type, glossary: Mapping[str, str], *, others: Iterable[type] = (), raises: str = ""
) -> None:
    """Complete signatures and docstrings of the public methods of ``kind``.

    :param glossary: descriptions of parameters that no docstring has.
    :param others: classes whose methods docstrings refer to, besides those of ``kind``.
    :param raises: the errors of methods for which no docstring states any.
    """
    places = (*kind.__mro__, *others)
    glossary = {**descriptions(*kind.__mro__), **glossary}
    of_constructor: Mapping[str, str] = {}
    for function in public_functions(kind):
        name, own = function.__name__, _doc(function)
        keywords = _expand_keywords(function)
        names = _parameter_names(function)
        if name == "__init__":
            of_constructor = keywords
            continue
        sources = [_doc_of(base, name) for base in kind.__mro__[1:]]
        references = [
            _doc_of(place, reference)
            for reference in _REFERENCE.findall(own)
            for place in places
            if place is not kind or reference != name
        ]
        terms = {**glossary, **keywords}
        function.__doc__ = _completed(own, names, sources, references, terms, raises)
    _complete_class(kind, {**glossary, **of_constructor})


def _complete_class(kind: type, glossary: Mapping[str, str]) -> None:
    """The docstring of a class describes the parameters of its constructor."""
    constructor = kind.__init__  # type: ignore[misc]
    if isinstance(constructor, FunctionType):
        names = _parameter_names(constructor)
        sources = [_doc(base) for base in kind.__mro__[1:-1]]
        kind.__doc__ = _completed(_doc(kind), names, sources, (), glossary)


def _doc(owner: object) -> str:
    doc = owner.__doc__
    return inspect.cleandoc(doc) if isinstance(doc, str) else ""


def _doc_of(kind: type, name: str) -> str:
    member = vars(kind).get(name)
    return "" if member is None else _doc(member)  # since Python 3.13 None has one, too


def _completed(
    own: str,
    names: Iterable[str],
    inherited: Iterable[str],
    referred: Iterable[str],
    glossary: Mapping[str, str],
    raises: str = "",
) -> str:
    first = _parse(own)
    bases = [_parse(doc) for doc in inherited if doc]
    others = [_parse(doc) for doc in referred if doc]
    prose = _prose(first.prose, [*others, *bases])
    # Errors of methods that only the description of a parameter refers to are not its own.
    kin = [first, *bases, *(others if ":meth:" in first.prose else ())]
    errors: dict[str, str] = {}
    for doc in reversed(kin):
        errors.update(doc.raises)
    params: dict[str, str] = {}
    for doc in reversed([first, *bases, *others]):
        params.update(doc.params)
    described = (params.get(name) or glossary.get(name) for name in names)
    fields = [text for text in described if text]
    fields += [text for text in (next((doc.returns for doc in kin if doc.returns), ""),) if text]
    fields += errors.values() or ([raises] if raises else [])
    return "\n".join([prose, "", *fields]) if fields else prose


def _prose(own: str, others: list[_Doc]) -> str:
    """``own``; in place of nothing, or of "See :meth:`other`; more", what that method does."""
    first_line, _, rest = own.partition("\n")
    if not others or (own and not first_line.startswith("See :")):
        return own
    more = first_line.partition("; ")[2]
    more = f"{more[:1].upper()}{more[1:]}"
    prose = others[0].prose.partition("\n\n")[0] if own else others[-1].prose
    return "\n".join([prose, *(["", more] if more else []), *([rest] if rest else [])])


def _parameter_names(function: FunctionType) -> list[str]:
    return list(inspect.signature(function).parameters)[1:]


def _expand_keywords(function: FunctionType) -> Mapping[str, str]:
    """Show the keywords of the ``TypedDict`` that the annotation of ``**options`` names.

    :return: their descriptions, by name.
    """
    if not function.__code__.co_flags & inspect.CO_VARKEYWORDS:
        return {}
    signature = inspect.signature(function)
    *parameters, last = signature.parameters.values()
    unpacked = _UNPACKED.match(str(last.annotation))
    keywords: Any = function.__globals__.get(unpacked[1]) if unpacked else None
    if keywords is None:
        return {}
    taken = {one.name for one in parameters}
    parameters += [one for one in _keyword_parameters(keywords) if one.name not in taken]
    if function.__name__ == "__init__":
        parameters.append(last)  # constructors of subclasses pass on what they do not name
    vars(function)["__signature__"] = signature.replace(parameters=parameters)
    return descriptions(keywords)


@cache  # for the many methods with the same keywords
def _keyword_parameters(keywords: Any) -> list[inspect.Parameter]:
    found = []
    for name, annotation in keywords.__annotations__.items():
        text = getattr(annotation, "__forward_arg__", None) or str(annotation)
        default = _DEFAULTS.get(name, False if text == "bool" else None)
        found.append(inspect.Parameter(name, _KEYWORD_ONLY, default=default, annotation=text))
    return found
