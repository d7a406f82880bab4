# SPDX-License-Identifier: Apache-2.0
"""Keystone, versions 2 and 3, as far as a driver for Swift asks it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Protocol

from libcloud.test.storage.fakes.wire import Answer, Incoming


class Issuer(Protocol):
    """The fake Swift that a token is for."""

    user: str
    key: str

    @property
    def storage_url(self) -> str: ...

    def new_token(self) -> str: ...


def keystone(fake: Issuer, request: Incoming, path: str) -> Answer:
    """The password, or the application credential, is that of TempAuth."""
    asked = json.loads(bytes(request.body))["auth"]
    if path.startswith("/v2.0"):
        given = asked.get("passwordCredentials") or {}
        pair = (given.get("username"), given.get("password"))
    else:
        identity = asked["identity"]
        given = identity.get("password", {}).get("user", {})
        pair = (given.get("name"), given.get("password"))
        if identity["methods"] == ["application_credential"]:
            given = identity["application_credential"]
            pair = (given.get("id"), given.get("secret"))
    if pair != (fake.user, fake.key):
        error = {"code": 401, "title": "Unauthorized", "message": "The request is refused."}
        return replace(_json({"error": error}), status=401)
    token, url = fake.new_token(), fake.storage_url
    if path.startswith("/v2.0"):
        endpoint = {"region": "RegionOne", "publicURL": url, "internalURL": url}
        service = {"type": "object-store", "name": "swift", "endpoints": [endpoint]}
        found = {"id": token, "expires": "2099-01-01T00:00:00Z", "tenant": {"id": "1"}}
        user = {"id": "u", "name": fake.user, "roles": []}
        return _json({"access": {"token": found, "serviceCatalog": [service], "user": user}})
    endpoint = {"region": "RegionOne", "region_id": "RegionOne", "url": url, "id": "e"}
    public = {**endpoint, "interface": "public"}
    service = {"type": "object-store", "name": "swift", "id": "s", "endpoints": [public]}
    body = {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2020-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": fake.user, "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "p", "domain": {"id": "default", "name": "Default"}},
        "catalog": [service],
    }
    return replace(_json({"token": body}), status=201).with_headers(
        [("X-Subject-Token", token), ("Content-Type", "application/json")]
    )


def _json(document: Any) -> Answer:
    headers = (("Content-Type", "application/json"),)
    return Answer(200, headers, json.dumps(document).encode())
