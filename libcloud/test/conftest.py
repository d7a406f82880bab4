# SPDX-License-Identifier: Apache-2.0
"""Set-up for all tests: placeholder credentials, signals, and no deadlines of hypothesis."""

from __future__ import annotations

import signal

from hypothesis import settings

from libcloud.test._secrets import provide_secrets

provide_secrets()

# How long an example takes depends on what else the machine does.
settings.register_profile("libcloud", deadline=None)
settings.load_profile("libcloud")

# A shell without job control lets what it starts by "&" ignore Ctrl-C; tests would hand that on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
