"""Access of visitors and of every role to every page, by its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule

from app.accounts import modules
from app.accounts.guards import ability_of, allows
from app.accounts.login.sessions import principal_of
from app.accounts.roles import ABILITIES, ROLES
from app.kernel.http.app import Hub, is_page
from app.kernel.unit_of_work import unit_of_work
from tests.admin.client import csrf_token
from tests.factories import a_user


def path_of(app: Hub, rule: Rule) -> str:
    """Path of a rule: each argument is 1, or the first of its fixed choices."""
    choices = {name: converter for name, converter in rule._converters.items() if isinstance(converter, AnyConverter)}
    values = {name: sorted(choices[name].items)[0] if name in choices else 1 for name in rule.arguments}
    return app.url_map.bind("hub").build(rule.endpoint, values, next(iter(rule.methods or ["GET"])))


def pages(app: Hub) -> Iterator[tuple[str, str, str | None]]:
    """Method, path and ability of every page."""
    for rule in app.url_map.iter_rules():
        if is_page(rule.rule):
            path = path_of(app, rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, path, ability_of(app.view_functions[rule.endpoint])


def test_every_page_redirects_a_visitor_to_sign_in(app: Hub, anybody: FlaskClient) -> None:
    guarded = [(method, path) for method, path, ability in pages(app) if ability]
    assert len(guarded) > 4
    for method, path in guarded:
        answer = anybody.open(path, method=method)
        assert answer.status_code == 303, f"{method} {path}"
        assert answer.headers["Location"].startswith("/admin/sign-in"), f"{method} {path}"


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_access_of_each_role_follows_its_abilities(
    app: Hub, role: str, signed_in_client: Callable[..., FlaskClient]
) -> None:
    with unit_of_work():
        user = a_user(role=role)
        for module in modules.MODULES:  # without a module its pages answer 403 for another reason
            modules.enable(user, module, actor="test")
    client = signed_in_client(user)
    token = csrf_token(client, "/admin/account")
    for method, path, ability in pages(app):
        if ability is None or path == "/admin/sign-out":  # it ends the session of this test
            continue
        with client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None) as answer:
            assert (answer.status_code == 403) is not allows(principal_of(user), ability), f"{role}: {method} {path}"
            assert answer.status_code < 500, f"{role}: {method} {path}"


def test_an_administrator_has_the_ability_of_every_page(app: Hub) -> None:
    with unit_of_work():
        admin = principal_of(a_user(role="admin"))
    assert all(ability is None or allows(admin, ability) for *_, ability in pages(app))
    assert set(ABILITIES) <= admin.abilities
