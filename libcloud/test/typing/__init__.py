# SPDX-License-Identifier: Apache-2.0
"""How the public API is used, for type checkers: nothing here is run.

``make test ENVS=lint`` checks these modules with mypy and with pyright, both strict. ``uses.py``
must be accepted. In ``mistakes.py`` each checker must report every line that is marked for it,
because an unused mark is an error. pyright is configured in ``pyproject.toml``.
"""
