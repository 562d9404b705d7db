"""Access to the webhook API: module, ability, owner."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from app.accounts import modules
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_token
from tests.webhooks.fixtures import (
    DELIVERIES,
    ENDPOINTS,
    MODULE,
    PUBLIC_URL,
    Make,
    deliveries,
    manager_of,
    post_endpoint,
)


def test_the_module_is_required(client_as: Make) -> None:
    client = client_as("integrator")
    answer = client.get(ENDPOINTS)
    assert (answer.status_code, answer.json["error"], answer.json["module"]) == (403, "MODULE_NOT_ENABLED", MODULE)


def test_the_ability_is_required(client_as: Make, anybody: FlaskClient) -> None:
    assert manager_of(client_as, "billing").get(ENDPOINTS).status_code == 403
    assert anybody.get(ENDPOINTS).json == {"message": "Unauthenticated."}


def test_endpoints_of_other_users_are_not_found_and_admins_see_all(
    manager: FlaskClient, admin: FlaskClient, client_as: Make, subscribe: Make, create_einvoices: Make
) -> None:
    stranger = manager_of(client_as, "integrator")
    endpoint = post_endpoint(manager)["id"]
    create_einvoices(1, user=manager.user)
    (delivery,) = deliveries()
    paths = [
        ("get", f"{ENDPOINTS}/{endpoint}", None),
        ("patch", f"{ENDPOINTS}/{endpoint}", {"description": "x"}),
        ("post", f"{ENDPOINTS}/{endpoint}/rotate", {}),
        ("post", f"{ENDPOINTS}/{endpoint}/enable", None),
        ("post", f"{ENDPOINTS}/{endpoint}/disable", {}),
        ("post", f"{ENDPOINTS}/{endpoint}/test", None),
        ("post", f"{ENDPOINTS}/{endpoint}/check", None),
        ("get", f"{ENDPOINTS}/{endpoint}/checks/1", None),
        ("post", f"{ENDPOINTS}/{endpoint}/recover", {"since": "2026-01-01"}),
        ("get", f"{ENDPOINTS}/{endpoint}/events", None),
        ("get", f"{ENDPOINTS}/{endpoint}/reconciliation", None),
        ("get", f"{DELIVERIES}/{delivery.id}", None),
        ("post", f"{DELIVERIES}/{delivery.id}/redeliver", None),
        ("delete", f"{ENDPOINTS}/{endpoint}", None),
    ]
    for method, path, body in paths:
        answer = getattr(stranger, method)(path, json=body)
        assert (answer.status_code, answer.json) == (404, {"message": "Not Found."}), path
    assert stranger.get(ENDPOINTS).json["data"] == []
    assert stranger.get(DELIVERIES).json["data"] == []
    assert [row["id"] for row in admin.get(ENDPOINTS).json["data"]] == [endpoint]
    assert admin.get(f"{DELIVERIES}/{delivery.id}").status_code == 200


def test_the_api_is_closed_after_the_module_has_ended(manager: FlaskClient) -> None:
    with unit_of_work():
        modules.disable(manager.user, MODULE, actor="test")
    assert manager.get(DELIVERIES).status_code == 403


def test_only_an_admin_in_person_allows_addresses_not_a_token(admin: Any, anybody: FlaskClient) -> None:
    with unit_of_work():
        _, token = a_token(db.session.merge(admin.user), abilities=["webhooks:manage", "einvoices:read"])
    headers = {"Authorization": f"Bearer {token}"}
    allowances = [{"cidr": "10.1.2.0/24", "port": 8080}]
    draft = {"url": PUBLIC_URL, "events": ["einvoice.*"]}
    refused = anybody.post(ENDPOINTS, json={**draft, "allowances": allowances}, headers=headers)
    assert (refused.status_code, refused.json["error"]) == (403, "ADMIN_ONLY")
    created = anybody.post(ENDPOINTS, json=draft, headers=headers)
    assert created.status_code == 201
    path = f"{ENDPOINTS}/{created.json['id']}"
    assert anybody.patch(path, json={"allowances": allowances}, headers=headers).status_code == 403
    assert admin.patch(path, json={"allowances": allowances}).json["allowances"] == allowances
