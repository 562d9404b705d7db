"""Access to e-invoices: the module, the credential, and the owner."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.einvoices.helpers import URL, create_draft


class TestModule:
    def test_without_the_module_every_request_is_refused(self, client_as: Callable[..., FlaskClient]) -> None:
        client = client_as("integrator")
        refusal = {
            "message": "This module is not enabled for your account.",
            "error": "MODULE_NOT_ENABLED",
            "module": "feature.einvoice_api",
        }
        for answer in (client.get(URL), client.get(f"{URL}/1"), client.post(URL, json={}), client.get(f"{URL}/1/pdf")):
            assert (answer.status_code, answer.json) == (403, refusal)

    def test_every_route_requires_the_module(self, owner: FlaskClient) -> None:
        app = owner.application
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(URL)]
        assert len(rules) >= 10
        for rule in rules:
            view = app.view_functions[rule.endpoint].view_class
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert getattr(view, method.lower()).module == "feature.einvoice_api", rule.rule

    def test_without_a_credential_the_answer_is_401(self, anybody: FlaskClient) -> None:
        answer = anybody.get(URL)
        assert (answer.status_code, answer.json) == (401, {"message": "Unauthenticated."})


def test_einvoices_of_other_owners_are_not_found(owner_as: Callable[..., FlaskClient]) -> None:
    mine, other, admin = owner_as(), owner_as(), owner_as("admin")
    einvoice = create_draft(mine)
    for path in ("", "/pdf"):
        assert other.get(f"{URL}/{einvoice['id']}{path}").json == {"message": "Not Found."}
    bodies = {"send": {}, "provider-status": {"provider_status": "x"}, "settle-doubt": {"taken": True, "reason": "x"}}
    for name in ("issue", "send", "cancel", "returns", "credit-notes", "pdf", *bodies):
        body = bodies.get(name, {"reason": "x"})
        assert other.post(f"{URL}/{einvoice['id']}/{name}", json=body).status_code == 404
    assert other.patch(f"{URL}/{einvoice['id']}", json={"notes": "x"}).status_code == 404
    assert admin.get(f"{URL}/{einvoice['id']}").status_code == 200
