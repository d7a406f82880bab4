# SPDX-License-Identifier: Apache-2.0
"""Planted bugs of ``libcloud/storage/transfer/upload/workers.py``; see ``mutants.py``."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS"]

_FILE = "libcloud/storage/transfer/upload/workers.py"
_TESTS = "libcloud/test/storage/transfer/upload"


def _mutant(name: str, old: str, new: str, tests: str) -> Mutant:
    """A bug to be caught by the tests in ``tests`` (a word)."""
    return Mutant(name, _FILE, old, new, (f"{_TESTS}/test_{tests}.py",))


MUTANTS = (
    _mutant(
        "an interrupted request forgotten",
        "            if task.send.step in _LASTING:",
        "            if False:",
        "interrupts",
    ),
    _mutant(
        "an exit of a worker is waited for",
        "        except BaseException as error:  # whatever ends a worker",
        "        except Exception as error:  # whatever ends a worker",
        "runner",
    ),
    _mutant(
        "what is in flight is not waited for",
        "            while self._active:\n                self._idle.wait()\n",
        "",
        "runner",
    ),
    _mutant(
        "an executor without threads is waited for",
        "if self._alone and not self._active and self._tasks:",
        "if False:",
        "executors",
    ),
    _mutant(
        "the caller waits while others compute digests",
        "return waiting + self._digesting >= others",
        "return False",
        "digests",
    ),
    _mutant(
        "the caller computes digests that others have time for",
        "return waiting + self._digesting >= others",
        "return True",
        "digests",
    ),
    _mutant(
        "a digest that was computed keeps others from theirs",
        "                    self._digesting -= 1\n",
        "                    pass\n",
        "digests",
    ),
    _mutant(
        "a digest that fails in the caller's thread is forgotten",
        "            self.outcomes.append(ready)\n            return\n",
        "            return\n",
        "digests",
    ),
    _mutant(
        "memory is mapped anew for each part",
        "            _keep_free(self._memory)\n",
        "            pass\n",
        "digests",
    ),
    _mutant(
        "a digest that fails early ends the upload",
        "        except Exception:  # it is told when the part is sent, and its digest fails again",
        "        except KeyError:",
        "digests",
    ),
)
