"""Every route: each wrong credential is refused, each call is recorded, and each list has a largest page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from jwt.warnings import InsecureKeyLengthWarning

from app.accounts import modules, users
from app.accounts.credentials import api_keys
from app.accounts.guards import SIGNED_IN
from app.accounts.login import sessions
from app.accounts.models.accounts import ApiCall, LoginSession, User
from app.accounts.roles import ABILITIES
from app.accounts.tokens import service as tokens
from app.accounts.tokens.format import new_public_id, new_token
from app.extensions import db
from app.grn.demo import make_demo
from app.grn.models.receipts import FabricItem
from app.kernel.http.app import Hub
from app.kernel.pagination import byte_limit
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.test_guards import routes
from tests.accounts.tokens.helpers import rows
from tests.factories import a_draft, a_sale, a_token, a_user
from tests.webhooks.fixtures import post_endpoint


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _of_another_algorithm(claims: dict[str, Any], secret: str) -> str:
    with pytest.warns(InsecureKeyLengthWarning):  # the key has the length that HS256 needs
        return jwt.encode(claims, secret, algorithm="HS512")


def wrong_credentials(app: Hub) -> dict[str, dict[str, str]]:
    """Headers that must open no route, by what is wrong with them; each is of a user with all abilities."""
    wrong: dict[str, dict[str, str]] = {"none": {}, "an empty bearer": bearer(""), "no token": bearer("x")}
    with unit_of_work():
        user = a_user(role="admin")
        pair = sessions.open_session(user)
    session = str(db.session.query(LoginSession).one().id)
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    secret = app.config["JWT_SECRET_KEY"]
    wrong |= {
        "a refresh token": bearer(pair["refresh"]),
        "a JWT without a signature": bearer(jwt.encode(claims, "", algorithm="none")),
        "a JWT of another key": bearer(jwt.encode(claims, secret + "x", algorithm="HS256")),
        "a JWT of another algorithm": bearer(_of_another_algorithm(claims, secret)),
        "a JWT with a changed user": bearer(pair["access"].replace(".", ".e30", 1)),
        "an expired JWT": bearer(
            create_access_token(str(user.id), expires_delta=timedelta(seconds=-1), additional_claims={"sid": session})
        ),
        "a JWT without a session": bearer(create_access_token(str(user.id))),
        "a JWT as a key": {"X-API-KEY": pair["access"]},
        "a password": {"Authorization": "Basic YWRtaW46cGFzc3dvcmQ="},
        "an unknown token": bearer(new_token(new_public_id())),
        "an unknown key": {"X-API-KEY": "x" * 43},
    }
    with unit_of_work():
        signed_out = sessions.open_session(user)
        ended = jwt.decode(signed_out["access"], options={"verify_signature": False})["sid"]
        db.session.get(LoginSession, ended).revoked_at = start = user.created_at
        _, plain = a_token(user, abilities=list(ABILITIES))
        revoked, revoked_plain = a_token(user, abilities=list(ABILITIES))
        expired, expired_plain = a_token(user, abilities=list(ABILITIES))
        _, elsewhere_plain = a_token(user, abilities=list(ABILITIES), allowlist=["192.0.2.1"])
        db.session.flush()
        tokens.revoke(revoked.id, scope=None, actor="a test")
        expired.created_at = start - timedelta(days=2)
        expired.expires_at = start - timedelta(days=1)
        key, key_plain = api_keys.create(name="ERP", actor="a test")
        api_keys.revoke(key.id, actor="a test")
        _, restricted = api_keys.create(name="ERP", actor="a test", allowlist=["192.0.2.1"])
    wrong |= {
        "a JWT of an ended session": bearer(signed_out["access"]),
        "a revoked token": bearer(revoked_plain),
        "an expired token": bearer(expired_plain),
        "a token from another address": bearer(elsewhere_plain),
        "a token with a typing error": bearer(plain[:-1] + ("a" if plain[-1] != "a" else "b")),
        "a token as a key": {"X-API-KEY": plain},
        "a revoked key": {"X-API-KEY": key_plain},
        "a key from another address": {"X-API-KEY": restricted},
        "a key as a token": bearer(key_plain),
    }
    with unit_of_work():
        leaver = a_user(role="admin", email="leaver@example.com")
        left = sessions.open_session(leaver)
        _, of_leaver = a_token(leaver, abilities=list(ABILITIES))
    with unit_of_work():
        users.set_active(db.session.get(User, leaver.id), False, actor="a test")
    return wrong | {"a JWT of a former user": bearer(left["access"]), "a token of a former user": bearer(of_leaver)}


@pytest.mark.slow
def test_every_guarded_route_refuses_each_wrong_credential(app: Hub, anybody: FlaskClient) -> None:
    guarded = [(method, path) for method, path, ability in routes(app) if ability]
    wrong = wrong_credentials(app)
    assert len(guarded) > 60
    assert len(wrong) > 20
    opened = []
    for what, headers in wrong.items():
        status = 403 if what.endswith("from another address") else 401
        for method, path in guarded:
            answer = anybody.open(path, method=method, json={}, headers=headers)
            if answer.status_code != status:
                opened.append(f"{what}: {method} {path}: {answer.status_code}")
    assert opened == []


@pytest.mark.slow
def test_every_call_with_a_credential_is_recorded(app: Hub, client_as: Callable[..., FlaskClient]) -> None:
    client = client_as("admin")
    called = []
    for method, path, ability in routes(app):
        if ability is None or (method, ability) == ("POST", SIGNED_IN):  # logout would end the session of the test
            continue
        answer = client.open(path, method=method, json={"?": 1}, query_string={"?": 1})
        called.append((method, path, answer.status_code))
    recorded = [(call.method, call.path.removesuffix("?%3F=1"), call.status) for call in rows(ApiCall)]
    assert len(called) > 60
    assert sorted(recorded) == sorted(called)


def lists_of(schema: dict[str, Any], document: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """The arrays at the top of an answer, at most two levels deep; deeper ones are parts of one row."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for part in schema.get("anyOf", ()):
        yield from lists_of(part, document, depth)
    if schema.get("type") == "array":
        yield schema
    elif depth < 2:
        for child in schema.get("properties", {}).values():
            yield from lists_of(child, document, depth + 1)


#: Lists without pages, and what bounds each.
WITHOUT_PAGES = {
    "/api/v1/einvoices/{einvoice_id}/documents": "one row for each of five formats",
    "/api/auth/me/": "the abilities of one user",
    "/api/sales/queues/": "one row for each queue of the floor",
    "/api/sales/workers/": "the staff",
    "/api/sales/gaps/": "MAX_GAPS of the report",
    "/api/invoices/{invoice_id}/papers": "one row for each kind of paper",
    "/api/v1/einvoices/series": "the prefixes of one seller, by year",
    "/api/v1/einvoices/{einvoice_id}/links": "MAX_LISTED",
    "/api/v1/einvoices/{einvoice_id}/readiness": "the requirements of the legal profiles",
    "/api/v1/webhooks/endpoints/{endpoint_id}/reconciliation": "MAX_GAPS of the report",
    "/healthz/worker": "one row for each queue",
}


#: Lists of which 100 of the largest rows are no large page, and what bounds a row.
SMALL_ROWS = {
    "/api/v1/einvoices/{einvoice_id}/evidence": "a few short facts, and a hash for each level of a tree",
    "/api/v1/evidence/roots": "a few short facts",
    "/api/v1/einvoices": "no items; 16 KiB of metadata",
    "/api/v1/provider-accounts": "20 allowances, 100 mapped words; an owner has 50 accounts",
    "/api/v1/webhooks/endpoints": "50 events, 20 allowances, 16 KiB of metadata",
    "/api/v1/webhooks/deliveries": "no bodies",
    "/api/fabrics/{row_id}/balances": "sums",
}


def lists_with_pages(anybody: FlaskClient) -> tuple[dict[str, int], set[str]]:
    """The lists with a parameter for the size of a page, and its largest value; and the lists without one."""
    document = anybody.get("/openapi.json").json
    sizes, others = {}, set()
    for path, operations in document["paths"].items():
        answers = [a for status, a in operations.get("get", {}).get("responses", {}).items() if status == "200"]
        contents = [content for answer in answers for content in answer.get("content", {}).values()]
        if (
            path.endswith("_id}")
            or path.endswith("_id}/")
            or not any(list(lists_of(content.get("schema", {}), document)) for content in contents)
        ):
            continue  # a single record, whose parts are bounded where they are written
        bounds = {one["name"]: one["schema"].get("maximum") for one in operations["get"].get("parameters", ())}
        size = next((bounds[name] for name in ("page_size", "pageSize", "per_page", "limit") if name in bounds), None)
        if size is None:
            others.add(path)
        else:
            sizes[path] = size
    return sizes, others


def test_every_list_has_a_largest_page_or_a_reason(anybody: FlaskClient) -> None:
    sizes, others = lists_with_pages(anybody)
    assert len(sizes) > 15
    assert {path: size for path, size in sizes.items() if size > 500} == {}
    assert others == set(WITHOUT_PAGES)


class CountedLimit(float):
    """The limit of a page; it notes that it was used."""

    used = False

    def __mul__(self, other: float) -> float:
        self.used = True
        return super().__mul__(other)


def test_every_list_has_a_limit_in_bytes_or_small_rows(
    anybody: FlaskClient, erp: FlaskClient, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, _ = lists_with_pages(anybody)
    with unit_of_work():
        make_demo()
    assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    endpoint = post_endpoint(admin)["id"]
    item = db.session.query(FabricItem).first()
    parts = {"name": "picking", "invoice_id": 1, "fabric_item_id": item.id, "row_id": item.fabric_id}
    without = set()
    with unit_of_work():
        modules.enable(admin.user, "feature.einvoice_api", actor="test")
    parts["einvoice_id"] = admin.post("/api/v1/einvoices", json=a_draft()).json["id"]
    for path in sizes:
        ids = {**parts, "endpoint_id": endpoint, **({"invoice_id": item.receipt_id} if "fabric" in path else {})}
        limit = CountedLimit(16)
        monkeypatch.setattr(byte_limit, "MAX_MIB", limit)
        assert admin.get(path.format(**ids)).status_code == 200, path
        if not limit.used:
            without.add(path)
    assert without == set(SMALL_ROWS)
