# SPDX-License-Identifier: Apache-2.0
"""Completes docstrings, so that ``help()`` and editors show parameters that are described once.

What a docstring leaves out comes from the same method of a base class, from the methods that it
refers to (``:meth:`download_object```), and from a glossary; ``**options: Unpack[Keywords]`` is
shown as keywords. Every import of a driver does this, so it must be cheap.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import FunctionType
from typing import Any

_FIELD = re.compile(r"\n(?=:(?:param |return:|raises ))")
_REFERENCE = re.compile(r":meth:`[.~]?(?:[\w.]*\.)?(\w+)`")

# Defaults of keywords, which a TypedDict cannot state.
_DEFAULTS = {"ex_on_failure": "abort", "secure": True, "verify_hash": True}

# The prose of a docstring, its fields "param name" and "return", and its fields "raises OSError".
_Doc = tuple[str, Mapping[str, str], Mapping[str, str]]


@cache
def _parse(text: str) -> _Doc:
    margin = text[text.rfind("\n") :]  # of the line with the closing quotes
    if margin.isspace():
        text = text.replace(margin, "\n")  # inspect.cleandoc() takes ten times as long
    prose, *fields = _FIELD.split(f"\n{text}")
    known: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        name = field.split(":", 2)[1]
        (errors if name[:7] == "raises " else known)[name] = field.rstrip()
    return prose.strip(), known, errors


def _doc(owner: object) -> _Doc:
    doc = None if owner is None else owner.__doc__  # since Python 3.13 None has one, too
    return _parse(doc if isinstance(doc, str) else "")


def descriptions(*owners: object) -> dict[str, str]:
    """The descriptions of parameters in docstrings; the first one counts."""
    known: dict[str, str] = {}
    for owner in reversed(owners):
        known.update(_doc(owner)[1])
    known.pop("return", None)
    return known


def complete(
    kind: type, glossary: Mapping[str, str], *, others: Iterable[type] = (), raises: str = ""
) -> None:
    """Complete the public methods of ``kind``; those of its bases, and of ``others``, are complete.

    :param glossary: descriptions of parameters that no docstring has.
    :param others: classes whose methods docstrings refer to, besides those of ``kind``.
    :param raises: the errors of methods for which no docstring states any.
    """
    places = (*kind.__mro__, *others)
    glossary = {**descriptions(*kind.__mro__), **glossary}
    of_constructor: Mapping[str, str] = {}
    for function in _public_functions(kind):
        name, own = function.__name__, _doc(function)
        keywords = _expand_keywords(function)
        if name == "__init__":
            of_constructor = keywords
            continue
        bases = [_doc(vars(base).get(name)) for base in kind.__mro__[1:]]
        referred = [
            vars(place)[reference]
            for reference in _REFERENCE.findall(function.__doc__ or "")
            for place in places
            if reference in vars(place) and (place is not kind or reference != name)
        ]
        # Errors of methods that only the description of a parameter refers to are not its own.
        inherited = [*bases, *map(_doc, referred if ":meth:" in own[0] else ())]
        known = {**glossary, **keywords, **descriptions(*referred)}
        function.__doc__ = _completed([own, *inherited], known, function, raises)
    constructor = kind.__init__  # type: ignore[misc]
    if isinstance(constructor, FunctionType):
        # The docstring of a class describes the parameters of its constructor.
        docs = [_doc(base) for base in kind.__mro__[:-1]]
        kind.__doc__ = _completed(docs, {**glossary, **of_constructor}, constructor)


def _public_functions(kind: type) -> Iterator[FunctionType]:
    """The public methods that a class itself defines, and its constructor."""
    for name, member in vars(kind).items():
        function = getattr(member, "__func__", member)
        is_public = not name.startswith("_") or name == "__init__"
        if is_public and isinstance(function, FunctionType):
            yield function


def _completed(
    docs: list[_Doc], known: dict[str, str], function: FunctionType, raises: str = ""
) -> str:
    own, *inherited = [prose for prose, _, _ in docs]
    errors: dict[str, str] = {}
    for _, fields, raised in reversed(docs):
        known.update(fields)
        errors.update(raised)
    prose = _prose(own, [other for other in reversed(inherited) if other])
    names = [f"param {name}" for name in _parameter_names(function)]
    shown = [known[name] for name in (*names, "return") if name in known]
    shown += errors.values() or ([raises] if raises else [])
    return "\n".join([prose, "", *shown]) if shown else prose


def _prose(own: str, others: list[str]) -> str:
    """``own``; in place of nothing, or of "See :meth:`other`; more", what that method does."""
    if not own and others:
        return others[0]
    if not others or not own.startswith("See :"):
        return own
    first_line, _, rest = own.partition("\n")
    more = first_line.partition("; ")[2]
    paragraphs = [others[0].partition("\n\n")[0], more[:1].upper() + more[1:], rest.strip("\n")]
    return "\n\n".join(filter(None, paragraphs))


def _parameter_names(function: FunctionType) -> list[str]:
    signature = vars(function).get("__signature__")
    if signature is not None:
        return list(signature.parameters)[1:]
    code = function.__code__  # inspect.signature() takes ten times as long
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return list(code.co_varnames[1:count])


def _expand_keywords(function: FunctionType) -> Mapping[str, str]:
    """Show the keywords that ``**options`` stands for; return their descriptions."""
    annotations = map(str, function.__annotations__.values())  # may be classes
    unpacked = [one for one in annotations if one.startswith("Unpack[")]
    if not unpacked:
        return {}
    keywords = function.__globals__[unpacked[0][len("Unpack[") : -1]]
    signature = inspect.signature(function)
    *parameters, last = signature.parameters.values()
    taken = {one.name for one in parameters}
    parameters += [
        _keyword(name, text) for name, text in keywords.__annotations__.items() if name not in taken
    ]
    if function.__name__ == "__init__":
        parameters.append(last)  # constructors of subclasses pass on what they do not name
    vars(function)["__signature__"] = signature.replace(parameters=parameters)
    return _doc(keywords)[1]


@cache
def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    text = getattr(annotation, "__forward_arg__", annotation)  # of a real TypedDict
    default = _DEFAULTS.get(name, False if text == "bool" else None)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=text)
