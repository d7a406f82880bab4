# SPDX-License-Identifier: Apache-2.0
"""What other clients of S3 do when something goes wrong: each is run, and the store is looked at.

``python -m compare`` starts the checking fake of the tests with one fault, has a client upload to
it or download from it in a process of its own, and judges by what the client says and by what the
store holds then. ``scenarios.py`` says what goes wrong and what is right, ``worker.py`` how each
client is used: by its own ways for data of unknown length, with its defaults.
"""
