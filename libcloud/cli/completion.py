# SPDX-License-Identifier: Apache-2.0
"""``libcloud completion``: prints a script for a shell, which calls the command back.

With ``_LIBCLOUD_COMPLETE=SHELL`` in the environment, the command prints a line for each candidate:
kind, text and description, separated by tabs. Kinds are ``whole`` words; ``part``, which a shell
does not separate from what comes next; ``file`` and ``dir``, which shells complete themselves.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from libcloud.cli.settings import HAS_PROGRAM, Settings
from libcloud.cli.targets import is_url, known_schemes

_BASH = r"""_libcloud_completion() {
    local kind text help
    COMPREPLY=()
    while IFS=$'\t' read -r kind text help; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            part) compopt -o nospace; COMPREPLY+=("$text") ;;
            *) COMPREPLY+=("$text") ;;
        esac
    done < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_WORDBREAKS=$COMP_WORDBREAKS \
        _LIBCLOUD_COMPLETE=bash "$1" 2>/dev/null)
}
complete -o nosort -F _libcloud_completion libcloud
"""

_ZSH = r"""#compdef libcloud
_libcloud() {
    local kind text help
    local -a whole parts helped
    while IFS=$'\t' read -r kind text help; do
        case $kind in
            dir) _path_files -/ ;;
            file) _files ;;
            part) parts+=("$text") ;;
            *) [[ -n $help ]] && helped+=("${text//:/\\:}:$help") || whole+=("$text") ;;
        esac
    done < <(_LIBCLOUD_COMPLETE=zsh "${words[1]}" "${(@Q)words[2,CURRENT-1]}" \
        "${(Q)PREFIX}" 2>/dev/null)
    (( $#helped )) && _describe -V unsorted helped
    (( $#whole )) && compadd -V unsorted -a whole
    (( $#parts )) && compadd -V unsorted -S '' -a parts
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _libcloud "$@"
else
    compdef _libcloud libcloud
fi
"""

_FISH = r"""function __libcloud_completion
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current
        or string unescape -- $current\"
        or string unescape -- $current\')
    env _LIBCLOUD_COMPLETE=fish $words[1] $words[2..-1] "$plain" 2>/dev/null |
    while read -d \t -l kind text help
        switch $kind
            case dir
                __fish_complete_directories $current
            case file
                __fish_complete_path $current
            case '*'
                printf '%s\t%s\n' $text $help
        end
    end
end
complete --no-files --command libcloud --arguments '(__libcloud_completion)'
"""

SCRIPTS: Mapping[str, str] = MappingProxyType({"bash": _BASH, "zsh": _ZSH, "fish": _FISH})

# Characters that bash does not treat specially in a word.
_PLAIN = re.compile(r"[^\w@%+=:,./~-]")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Characters that bash treats specially between double quotes.
_ACTIVE = re.compile(r'[$`"\\]')


@click.command()
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(*, shell: str) -> None:
    """Print a script that completes commands, options, URLs and file names in SHELL.

    \b
    libcloud completion bash > ~/.local/share/bash-completion/completions/libcloud
    libcloud completion zsh > "${fpath[1]}/_libcloud"
    libcloud completion fish > ~/.config/fish/completions/libcloud.fish

    Buckets and keys are listed with the credentials that the command would use. If the store does
    not respond within a second, nothing is completed.
    """
    click.echo(SCRIPTS[shell], nl=False)


def complete(cli: click.Group, shell: str, arguments: list[str]) -> None:
    """Print the candidates for the word at the cursor; whatever happens, print no error."""
    with contextlib.suppress(BaseException):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        raw = ""
        if shell == "bash":
            arguments, raw = _bash_words(os.environ)
        known = shell in SCRIPTS  # others are scripts of other versions
        lines = list(candidate_lines(cli, arguments, shell=shell, raw=raw)) if known else []
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    # Without waiting for threads that still wait for a store.
    os._exit(0)


def candidate_lines(
    cli: click.Group, arguments: list[str], *, shell: str, raw: str = ""
) -> Iterator[str]:
    """The candidates for the last of ``arguments``, one per line.

    :param raw: for bash, the incomplete word as it was typed, with its quotes.
    """
    *before, last = arguments or [""]
    found = ShellComplete(cli, {"obj": candidates}, "libcloud", "")
    option, equals, _ = last.partition("=")
    start = f"{option}=" if equals and last.startswith("-") and shell != "bash" else ""
    for item in found.get_completions(before, last):
        text, kind = str(item.value), "whole"
        if item.type in ("file", "dir"):
            kind = item.type
        elif text.endswith(("/", "://")):
            kind = "part"
        if _CONTROL.search(text):  # a terminal could act on it
            continue
        text = _for_bash(text, raw) if shell == "bash" else start + text
        yield f"{kind}\t{text}\t{' '.join((item.help or '').split())}"


def _bash_words(environ: Mapping[str, str]) -> tuple[list[str], str]:
    """The words before the cursor without the command, and the last one as it was typed.

    Not from ``COMP_WORDS``, because bash breaks URLs at their colons.
    """
    line = os.fsencode(environ["COMP_LINE"])[: int(environ["COMP_POINT"])]
    text = os.fsdecode(line)
    words = split_arg_string(text)[1:]
    typed = re.search(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"?|'[^']*'?)*$""", text)
    raw = typed[0] if typed else ""
    if not raw:
        words.append("")
    return words, raw


def _for_bash(text: str, raw: str) -> str:
    """The text that bash inserts in place of the word after its last word break."""
    if raw[:1] == "'":
        return text.replace("'", "'\\''")
    if raw[:1] == '"':
        return _ACTIVE.sub(lambda match: f"\\{match[0]}", text)
    quoted = _PLAIN.sub(lambda match: f"\\{match[0]}", text)
    breaks = [char for char in ":=" if char in os.environ.get("COMP_WORDBREAKS", ":=")]
    typed = raw.partition("=")[2] if raw.startswith("-") and "=" in raw else raw
    cut = max((typed.rfind(char) for char in breaks), default=-1)
    return quoted[cut + 1 :]


_SECONDS = 1.0  # in which a store has to respond

_MOST = 1000  # names that are listed; the usual size of a page

# Arguments that may also be the path of a file.
_PATHS = ("arguments", "paths", "source", "destination")


def candidates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    file = CompletionItem(incomplete, type="file")
    if isinstance(param, click.Option):
        if param.name == "sse_c_key":
            return [file]
        return _matching(_values(str(param.name)), incomplete)
    if ctx.meta.get(HAS_PROGRAM):
        return [file]
    if is_url(incomplete):
        return [CompletionItem(url) for url in urls(_settings(ctx, param), incomplete)]
    schemes = _matching([f"{scheme}://" for scheme in known_schemes()], incomplete)
    return [*schemes, file] if param.name in _PATHS else schemes


def _matching(values: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def _settings(ctx: click.Context, param: click.Parameter) -> Settings:
    given: dict[str, Any] = {}
    for context in (ctx.parent, ctx):
        for name, value in (context.params if context is not None else {}).items():
            if name in Settings._fields and value not in (None, False, ()):
                given[name] = value
    settings = Settings(**given)
    return settings.source if param.name == "source" else settings


def urls(settings: Settings, incomplete: str) -> list[str]:
    """URLs that start with ``incomplete``; none if the store does not respond in time."""
    scheme, _, typed = incomplete.partition("://")
    if scheme == "file":
        return _files(incomplete, scheme)
    importlib.import_module("libcloud.cli.stores")  # takes none of the store's time
    names: list[str] = []

    def run() -> None:
        # A wrong URL or key, no network: there is nothing to complete.
        with contextlib.suppress(BaseException):
            names.extend(_list(settings, incomplete))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return [f"{scheme}://{name}" for name in names if name.startswith(typed)]


def _list(settings: Settings, url: str) -> list[str]:
    """Buckets, or keys and directories; without the scheme, with a slash where more can follow."""
    from libcloud.cli.stores import open_store
    from libcloud.storage.base import iterate_directory

    store = open_store(url, settings)
    place, slash, key = url.partition("://")[2].partition("/")
    if not slash:
        containers = islice(store.driver.iterate_containers(), _MOST)
        return [f"{container.name}/" for container in containers]
    found = islice(iterate_directory(store.container(), key), _MOST)
    names = (one if isinstance(one, str) else one.name for one in found)
    return list(dict.fromkeys(f"{place}/{name}" for name in names))


def _files(incomplete: str, scheme: str) -> list[str]:
    directory, slash, start = incomplete.partition("://")[2].rpartition("/")
    try:
        with os.scandir(directory + slash) as entries:
            found = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            )
    except OSError:
        return []
    return [f"{scheme}://{directory}{slash}{name}" for name in found[:_MOST]]


def _values(option: str) -> list[str]:
    """Values of options that are not a ``click.Choice``, because stores may know others."""
    from libcloud.common.credentials.discovery import profile_names
    from libcloud.storage.drivers.s3_constants import REGION_TO_HOST_MAP, STORAGE_CLASSES

    values = {
        "profile": profile_names(),
        "provider": known_schemes(),
        "region": sorted(REGION_TO_HOST_MAP),
        "storage_class": sorted(STORAGE_CLASSES),
        "sse": ["AES256", "aws:kms", "aws:kms:dsse"],
        "lock_mode": ["GOVERNANCE", "COMPLIANCE"],
    }
    return values.get(option.removeprefix("from_"), [])
