"""Guards of every API route: roles, abilities and import keys."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.accounts.guards import SIGNED_IN, requires
from app.accounts.models.accounts import User
from app.accounts.roles import ABILITIES, API_KEY, ROLES
from app.kernel.http.app import Hub, is_page

_PLACEHOLDER = re.compile(r"<[^>]+>")


def routes(app: Hub) -> list[tuple[str, str, str | None]]:
    """All routes but the pages: these accept browser sessions only, see ``tests/admin/test_guards.py``."""
    found = []
    for rule in app.url_map.iter_rules():
        if is_page(rule.rule):
            continue
        view = app.view_functions[rule.endpoint]
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            handler = getattr(view.view_class, method.lower()) if hasattr(view, "view_class") else view
            found.append((method, _PLACEHOLDER.sub("1", rule.rule), handler.ability))
    return found


def test_the_list_of_guarded_routes_is_not_empty(app: Hub) -> None:
    assert len([ability for *_, ability in routes(app) if ability]) > 5


def test_without_a_credential_every_guarded_route_answers_401(app: Hub, anybody: FlaskClient) -> None:
    for method, path, ability in routes(app):
        if ability:
            assert anybody.open(path, method=method, json={}).status_code == 401, f"{method} {path}"


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_allowed_exactly_the_routes_of_its_abilities(
    app: Hub, client_as: Callable[..., FlaskClient], role: str
) -> None:
    client = client_as(role)
    for method, path, ability in routes(app):
        if ability is None or (method, ability) == ("POST", SIGNED_IN):  # logout would end the session of the test
            continue
        # The unknown field stops an allowed request before it opens a stream or changes anything.
        answer = client.open(path, method=method, json={"?": 1}, query_string={"?": 1})
        # The module is checked after the ability.
        refused = answer.status_code == 403 and answer.json.get("error") != "MODULE_NOT_ENABLED"
        assert refused is (ability != SIGNED_IN and ability not in ROLES[role]), f"{role}: {method} {path}"


def test_an_import_key_is_allowed_exactly_the_routes_of_its_abilities(app: Hub, erp: FlaskClient) -> None:
    for method, path, ability in routes(app):
        if ability:
            refused = erp.open(path, method=method, json={"?": 1}, query_string={"?": 1}).status_code == 403
            assert refused is (ability not in API_KEY), f"{method} {path}"


def test_an_admin_has_all_abilities() -> None:
    assert ROLES["admin"] == set(ABILITIES)


def test_roles_and_keys_use_all_abilities_and_no_unknown_one() -> None:
    assert API_KEY.union(*ROLES.values()) == set(ABILITIES)


def test_the_check_constraint_allows_the_same_roles() -> None:
    [rule] = [str(c.sqltext) for c in User.__table__.constraints if c.name == "ck_users_role"]
    assert set(re.findall(r"'(\w+)'", rule)) == set(ROLES)


def test_an_unknown_ability_is_an_error_at_import() -> None:
    with pytest.raises(ValueError, match="sales:reed"):
        requires("sales:reed")
