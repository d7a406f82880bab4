# SPDX-License-Identifier: Apache-2.0
"""What the documentation has generated: tables from data, the reference of the command, a diagram.

Each module has a function that gives Markdown. A page asks for it by a comment on a line of its
own, ``<!-- generated: NAME -->``; ``extension.py`` knows the names. It needs the extra ``docs``.
"""
