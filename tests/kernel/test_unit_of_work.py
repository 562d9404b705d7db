"""One commit at the edge, nothing of a failure kept, and the way out only after the commit."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.kernel.errors import Conflict, Refusal
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import after_commit, sole_statement, unit_of_work
from app.sales.models.invoices import Salesman


class KeptRefusal(Refusal):
    keeps_evidence = True


def stored() -> int:
    with db.engine.connect() as other:
        return other.scalar(select(func.count()).select_from(Salesman)) or 0


def write(name: str = "Ajay") -> None:
    db.session.add(Salesman(name=name))
    db.session.flush()


@pytest.fixture
def told(app: Hub) -> list[int]:
    """What ``after_commit`` found stored, each time that it was called."""
    return []


def test_commits_once_and_then_goes_out(told: list[int]) -> None:
    with unit_of_work():
        write()
        after_commit(lambda: told.append(stored()))
        assert stored() == 0
        assert told == []
    assert told == [1]


def test_a_sole_statement_that_is_broken_off_says_why_and_spoils_no_connection(app: Hub) -> None:
    with pytest.raises(ValueError, match="enough"), unit_of_work(), sole_statement() as cursor:
        cursor.connection.pgconn.send_query(b"SELECT pg_sleep(1)")
        raise ValueError("enough")
    write()
    assert stored() == 0  # not even by a connection that still stores each statement by itself
    db.session.rollback()


@pytest.mark.parametrize("failure", [Conflict, ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_and_tells_nobody(told: list[int], failure: type[BaseException]) -> None:
    with pytest.raises(failure), unit_of_work():
        write()
        after_commit(lambda: told.append(stored()))
        raise failure
    with unit_of_work():
        pass
    assert (stored(), told) == (0, [])


def test_a_failed_commit_tells_nobody(told: list[int]) -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        after_commit(lambda: told.append(stored()))
        db.session.add_all([Salesman(name="Ajay"), Salesman(name="Ajay")])
    with unit_of_work():
        write()
    assert (stored(), told) == (1, [])


def test_evidence_is_kept_and_told_and_the_refusal_stands(told: list[int]) -> None:
    with pytest.raises(KeptRefusal), unit_of_work():
        write()
        after_commit(lambda: told.append(stored()))
        raise KeptRefusal
    assert (stored(), told) == (1, [1])


def test_evidence_that_cannot_be_stored_leaves_a_usable_session(app: Hub) -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.add_all([Salesman(name="Ajay"), Salesman(name="Ajay")])
        raise KeptRefusal
    with unit_of_work():
        write()
    assert stored() == 1


def test_the_same_action_twice_runs_once(told: list[int]) -> None:
    def action() -> None:
        told.append(stored())

    with unit_of_work():
        after_commit(action)
        after_commit(action)
    assert told == [0]


def test_an_action_that_fails_stops_neither_the_others_nor_the_caller(told: list[int]) -> None:
    def broken() -> None:
        raise ConnectionError

    with unit_of_work():
        write()
        after_commit(broken)
        after_commit(lambda: told.append(stored()))
    assert told == [1]
