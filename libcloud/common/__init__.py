# SPDX-License-Identifier: Apache-2.0
"""What drivers of any kind share: connections, answers, errors, signatures, credentials.

What for: turning a call of a driver into a request and what comes back into an answer or an error.
May import: ``libcloud.utils``, ``libcloud.security`` and ``libcloud.http``; ``types`` and
``exceptions`` may import nothing but ``libcloud.utils``. Proof: ``test/common/``,
``test/test_connection.py``, ``test/test_response_classes.py``.
"""
