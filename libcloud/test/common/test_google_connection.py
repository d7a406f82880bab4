# SPDX-License-Identifier: Apache-2.0
"""The connection that carries Google's access tokens."""

from __future__ import annotations

from unittest import mock

import pytest

from libcloud.common import google
from libcloud.common.google import GoogleBaseConnection


@pytest.fixture
def base_connection() -> GoogleBaseConnection:
    kept = mock.Mock(access_token="the-token")
    with mock.patch.object(google, "GoogleOAuth2Credential", return_value=kept):
        return GoogleBaseConnection("id", "secret", auth_type="IA")


def test_each_request_carries_the_token(base_connection: GoogleBaseConnection) -> None:
    _, headers = base_connection.pre_connect_hook({}, {})
    assert headers == {"Authorization": "Bearer the-token"}


def test_a_whole_url_is_requested_by_its_path(base_connection: GoogleBaseConnection) -> None:
    base_connection.request_path = "/base"
    assert base_connection.morph_action_hook("/a") == "/base/a"
    assert base_connection.morph_action_hook("https://www.googleapis.com/x/y?z=1") == "/x/y?z=1"


def test_an_operation_is_polled_until_it_is_done(base_connection: GoogleBaseConnection) -> None:
    running = mock.Mock(object={"status": "RUNNING", "selfLink": "https://h/op"})
    done = mock.Mock(object={"status": "DONE"})
    assert not base_connection.has_completed(running)
    assert base_connection.has_completed(done)
    assert base_connection.get_poll_request_kwargs(running, {}, {}) == {"action": "https://h/op"}
