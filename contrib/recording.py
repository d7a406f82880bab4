# SPDX-License-Identifier: Apache-2.0
"""Records the command at work in a terminal, as an animated SVG: ``make recording``.

A shell in a pseudo-terminal is typed into; the store is the checking fake on loopback, the dump a
program of a few lines that takes its time. What is shown is what came, when it came; only pauses
of more than a second are shortened. Whoever prefers no motion sees the end.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from xml.sax.saxutils import escape

from libcloud.test.storage.fakes.servers import Endpoint, fake_server

COLUMNS, ROWS = 96, 11
LONGEST_PAUSE = 1.0
LAST_FRAME = 4.0
_PROMPT = "$ "
_PATIENCE = 60.0

_DUMP = """\
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
for number in range(120):
    sys.stdout.buffer.write(b"INSERT INTO orders VALUES (%9d);\\n" % number * 26_000)
    time.sleep(0.03)
"""


@dataclass(frozen=True)
class Typed:
    """A line for the shell.

    :param interrupt_at: MiB on the bar at which Ctrl-C is pressed; 0 for never.
    """

    line: str
    interrupt_at: int = 0


SESSION = [
    Typed("libcloud put s3://backups/shop.sql -- pg_dump shop"),
    Typed("libcloud ls --human s3://backups"),
    Typed("libcloud put s3://backups/again.sql -- pg_dump shop", interrupt_at=40),
    Typed("libcloud uploads ls s3://backups; libcloud ls --human s3://backups"),
]


@dataclass
class Screen:
    """As much of a terminal as is needed: lines, and drawing over the last one."""

    lines: list[str] = field(default_factory=lambda: [""])
    column: int = 0

    def feed(self, text: str) -> None:
        """Show ``text``."""
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\s\S]", text):
            self._take(token)

    def _take(self, token: str) -> None:
        line = self.lines[-1]
        if token == "\x1b[K":
            self.lines[-1] = line[: self.column]
        elif token == "\n":
            self.lines.append("")
        elif token == "\r":
            self.column = 0
        elif token == "\b":
            self.column = max(0, self.column - 1)
        elif token >= " ":
            self.lines[-1] = (
                line[: self.column].ljust(self.column) + token + line[self.column + 1 :]
            )
            self.column += 1

    def mebibytes(self) -> float:
        """What the bar in the last line says, if there is one."""
        found = re.search(r"  ([0-9.]+) MiB  ", self.lines[-1])
        return float(found[1]) if found else 0.0

    def shown(self) -> tuple[str, ...]:
        """The last lines, as many as there are rows."""
        return tuple(line.rstrip() for line in self.lines[-ROWS:])


@dataclass
class Recorder:
    """A shell in a terminal, and what was to be seen there, when.

    :ivar frames: pairs of seconds since the one before, and lines.
    """

    terminal: int
    screen: Screen = field(default_factory=Screen)
    frames: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    def type(self, typed: Typed) -> None:
        """Type a line, and wait for the next prompt."""
        for character in typed.line:
            os.write(self.terminal, character.encode())
            self._until(lambda text: bool(text))
        before = len(self.screen.lines)
        os.write(self.terminal, b"\r")
        if typed.interrupt_at:
            self._until(lambda _: self.screen.mebibytes() >= typed.interrupt_at)
            os.write(self.terminal, b"\x03")
        self._until(lambda _: len(self.screen.lines) > before and self.at_prompt)

    @property
    def at_prompt(self) -> bool:
        """The shell waits for a line."""
        return self.screen.lines[-1] == _PROMPT

    def wait_for_prompt(self) -> None:
        """Wait for the first one."""
        self._until(lambda _: self.at_prompt)

    def _until(self, reached: object) -> None:
        assert callable(reached)
        while True:
            if not select.select([self.terminal], [], [], _PATIENCE)[0]:
                raise TimeoutError(f"silence after {self.screen.shown()}")
            text = os.read(self.terminal, 65536).decode(errors="replace")
            self.screen.feed(text)
            now = time.monotonic()
            self.frames.append((min(now - self.last, LONGEST_PAUSE), self.screen.shown()))
            self.last = now
            if reached(text):
                return


def record(endpoint: Endpoint, home: Path) -> list[tuple[float, tuple[str, ...]]]:
    """Everything that :data:`SESSION` shows."""
    _write_programs(home)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(home)
        shell = ["bash", "--norc", "--noprofile", "--noediting"]
        os.execve("/bin/bash", shell, _variables(endpoint, home))
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        recorder = Recorder(terminal)
        recorder.wait_for_prompt()
        for typed in SESSION:
            recorder.type(typed)
        return recorder.frames
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def _write_programs(home: Path) -> None:
    programs = {
        "libcloud": f'#!/bin/sh\nexec {sys.executable} -m libcloud "$@"\n',
        "pg_dump": f"#!{sys.executable}\n{_DUMP}",
    }
    for name, text in programs.items():
        (home / name).write_text(text, encoding="utf-8")
        (home / name).chmod(0o755)


def _variables(endpoint: Endpoint, home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": f"{home}:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PS1": _PROMPT,
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "BASH_SILENCE_DEPRECATION_WARNING": "1",
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret,
    }


# The picture.

_WIDTH, _LINE, _TOP, _LEFT = 8.4, 19, 40, 16
_GAP = 12  # between frames, so that nothing of the next one is seen


def thinned(frames: list[tuple[float, tuple[str, ...]]]) -> Iterator[tuple[float, tuple[str, ...]]]:
    """Each frame and how long it is seen; those that are seen for less than 0.08 s are left out."""
    waits = [wait for wait, _ in frames[1:]] + [LAST_FRAME]
    carried = 0.0
    for (_, lines), wait in zip(frames, waits, strict=True):
        carried += wait
        if carried >= 0.08:
            yield carried, lines
            carried = 0.0


def picture(frames: list[tuple[float, tuple[str, ...]]]) -> str:
    """The SVG: frames below each other, and a window that jumps from one to the next."""
    seen = list(thinned(frames))
    total = sum(wait for wait, _ in seen)
    height = ROWS * _LINE + _GAP
    texts = sorted({line for _, lines in seen for line in lines if line})
    names = {text: f"t{number}" for number, text in enumerate(texts)}
    steps, at = [], 0.0
    for number, (wait, _) in enumerate(seen):
        steps.append(f"{at / total * 100:.3f}%{{transform:translateY(-{number * height}px)}}")
        at += wait
    width = COLUMNS * _WIDTH + 2 * _LEFT
    uses = "".join(
        f'<use href="#{names[line]}" y="{number * height + row * _LINE + 14}"/>'
        for number, (_, lines) in enumerate(seen)
        for row, line in enumerate(lines)
        if line
    )
    defined = "".join(f'<text id="{names[text]}">{_coloured(text)}</text>' for text in texts)
    return _SVG.format(
        width=round(width),
        height=height + _TOP,
        total=f"{total:.2f}",
        steps="".join(steps),
        last=(len(seen) - 1) * height,
        defined=defined,
        uses=uses,
        left=_LEFT,
        top=_TOP,
        inner=round(width - _LEFT),
        visible=height - _GAP + 4,
    )


def _coloured(text: str) -> str:
    if text.startswith(_PROMPT.strip()):
        return f'<tspan class="p">$</tspan>{escape(text[1:])}'
    return escape(text)


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="A dump is piped into a bucket; another is interrupted, \
and nothing of it is left">
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;\
fill:#d6dbe1;white-space:pre}}
.p{{fill:#6cc28c}}
#f{{animation:f {total}s steps(1,end) infinite}}
@keyframes f{{{steps}}}
@media (prefers-reduced-motion:reduce){{#f{{animation:none;transform:translateY(-{last}px)}}}}
</style>
<rect width="100%" height="100%" rx="9" fill="#1b1f24"/>
<circle cx="20" cy="19" r="5.5" fill="#e0605a"/><circle cx="39" cy="19" r="5.5" fill="#e3b341"/>\
<circle cx="58" cy="19" r="5.5" fill="#57ab5a"/>
<defs>{defined}</defs>
<svg x="{left}" y="{top}" width="{inner}" height="{visible}"><g id="f">{uses}</g></svg>
</svg>
"""


def main() -> None:
    """Record, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="of the SVG")
    chosen = parser.parse_args()
    with fake_server() as endpoint, tempfile.TemporaryDirectory() as home:
        assert endpoint.fake is not None
        endpoint.fake.create_bucket("backups")
        frames = record(endpoint, Path(home))
        shown = "\n".join("\n".join(lines) for _, lines in frames)
        assert endpoint.key not in shown and endpoint.secret not in shown
    chosen.file.parent.mkdir(parents=True, exist_ok=True)
    chosen.file.write_text(picture(frames), encoding="utf-8")


if __name__ == "__main__":
    main()
