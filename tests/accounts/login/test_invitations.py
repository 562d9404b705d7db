"""Invitations: a link with which a user sets a password once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from app.accounts import tasks, users
from app.accounts.errors import InactiveUser, UnknownInvitation
from app.accounts.login import invitations, sessions
from app.accounts.models.accounts import AuditEntry, User
from app.accounts.models.login_attempts import Invitation
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin.client import submit_form
from tests.factories import PASSWORD, a_user
from tests.operations.cli.cli_helpers import stored_rows

NEW = "correct horse battery staple"


def invite(**facts: object) -> tuple[User, str]:
    with unit_of_work():
        user = a_user(role="billing", **facts)
        return user, invitations.invite(user, actor="user:1")


def may_sign_in(user: User, password: str) -> bool:
    with unit_of_work():
        return sessions.verify_credentials(user.email, password).id == user.id


def test_a_user_without_a_password_signs_in_after_the_invitation_only(app: Hub) -> None:
    with unit_of_work():
        user = users.create_user(email="a@b.example", password=None, role="billing", name="A", actor="a test")
        token = invitations.invite(user, actor="a test")
    with app.test_request_context("/", method="POST"):
        for guess in ("", NEW, PASSWORD):
            with pytest.raises(Exception, match="wrong"):
                may_sign_in(user, guess)
        with unit_of_work():
            invitations.accept(token, NEW)
        assert may_sign_in(user, NEW)


def test_it_works_once(app: Hub) -> None:
    _, token = invite()
    with unit_of_work():
        invitations.accept(token, NEW)
    with pytest.raises(UnknownInvitation), unit_of_work():
        invitations.accept(token, NEW + "2")


def test_of_two_at_once_one_is_refused(app: Hub) -> None:
    _, token = invite()
    together, outcomes = Barrier(2), list[str]()

    def accept() -> None:
        with app.app_context():
            together.wait()
            try:
                with unit_of_work():
                    invitations.accept(token, NEW)
                outcomes.append("accepted")
            except UnknownInvitation:
                outcomes.append("refused")

    threads = [Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "refused"]


def test_a_new_one_replaces_it(app: Hub) -> None:
    user, first = invite()
    with unit_of_work():
        second = invitations.invite(db.session.merge(user), actor="user:1")
    with pytest.raises(UnknownInvitation), unit_of_work():
        invitations.find_invited(first)
    with unit_of_work():
        assert invitations.find_invited(second).id == user.id


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_a_refused_password_leaves_it_as_it_is(app: Hub, password: str) -> None:
    _, token = invite()
    with pytest.raises(Invalid), unit_of_work():
        invitations.accept(token, password)
    with unit_of_work():
        invitations.accept(token, NEW)


def test_it_expires_and_is_deleted(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = invite()
    later = clock.now() + invitations.LIFETIME + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(UnknownInvitation), unit_of_work():
        invitations.accept(token, NEW)
    tasks.purge()
    assert not stored_rows(Invitation)


def test_another_password_or_a_deactivation_ends_it(app: Hub) -> None:
    for change in (
        lambda user: users.change_password(user, PASSWORD + "2", actor="a test"),
        lambda user: users.set_active(user, False, actor="a test"),
    ):
        user, token = invite()
        with unit_of_work():
            change(db.session.merge(user))
        with pytest.raises(UnknownInvitation), unit_of_work():
            invitations.accept(token, NEW)


def test_an_inactive_user_is_not_invited(app: Hub) -> None:
    with pytest.raises(InactiveUser):
        invite(is_active=False)


def test_the_token_is_neither_stored_nor_in_the_audit_trail(app: Hub) -> None:
    _, token = invite()
    with unit_of_work():
        invitations.accept(token, NEW)
    trail = stored_rows(AuditEntry)
    assert {"user.invited", "user.invitation_accepted"} <= {entry.action for entry in trail}
    assert token not in str([(entry.subject, entry.actor, entry.details) for entry in trail])
    assert token.encode() not in b"".join(row.token_hash for row in stored_rows(Invitation))


def test_the_page_sets_the_password_and_signs_in(app: Hub) -> None:
    client = app.test_client()
    user, token = invite(password_hash="")
    page = f"/admin/invitation/{token}"
    answer = submit_form(client, page, page=page, password=NEW, again=NEW + "x")
    assert "The two passwords are different." in answer.text
    assert submit_form(client, page, page=page, password=NEW, again=NEW).status_code == 303
    assert user.name in client.get("/admin/account").text
    used = client.get(page)
    assert (used.status_code, "This invitation does not work" in used.text) == (404, True)


def test_guesses_are_limited(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "LOGIN_LIMIT", "10 per minute")
    client = app.test_client()
    page = "/admin/invitation/ihub_inv_0000"
    tries = [submit_form(client, page, page="/admin/sign-in", password=NEW, again=NEW).status_code for _ in range(12)]
    assert tries == [404] * 10 + [429] * 2
