"""Access to the webhook API: module, ability, owner."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.accounts import modules
from app.kernel.unit_of_work import unit_of_work
from tests.webhooks.fixtures import DELIVERIES, ENDPOINTS, MODULE, Make, deliveries, manager_of, post_endpoint


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
