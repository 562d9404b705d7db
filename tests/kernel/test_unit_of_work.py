"""Unit of work: one commit at the end, rollback after a failure, actions only after the commit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.kernel.errors import Conflict, Refusal
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import after_commit, before_commit, sole_statement, unit_of_work
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
def seen(app: Hub) -> list[int]:
    """Number of rows that each ``after_commit`` action found stored."""
    return []


def test_actions_run_after_the_commit(seen: list[int]) -> None:
    with unit_of_work():
        write()
        after_commit(lambda: seen.append(stored()))
        assert stored() == 0
        assert seen == []
    assert seen == [1]


def test_an_interrupted_sole_statement_raises_its_error_and_leaves_no_autocommit_connection(app: Hub) -> None:
    with pytest.raises(ValueError, match="enough"), unit_of_work(), sole_statement() as cursor:
        cursor.connection.pgconn.send_query(b"SELECT pg_sleep(1)")
        raise ValueError("enough")
    write()
    assert stored() == 0  # no connection of the pool is still in autocommit mode
    db.session.rollback()


@pytest.mark.parametrize("failure", [Conflict, ValueError, KeyboardInterrupt])
def test_a_failure_stores_nothing_and_runs_no_action(seen: list[int], failure: type[BaseException]) -> None:
    with pytest.raises(failure), unit_of_work():
        write()
        after_commit(lambda: seen.append(stored()))
        raise failure
    with unit_of_work():
        pass
    assert (stored(), seen) == (0, [])


def test_a_failed_commit_runs_no_action(seen: list[int]) -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        after_commit(lambda: seen.append(stored()))
        db.session.add_all([Salesman(name="Ajay"), Salesman(name="Ajay")])
    with unit_of_work():
        write()
    assert (stored(), seen) == (1, [])


def test_evidence_is_stored_and_the_refusal_is_raised(seen: list[int]) -> None:
    with pytest.raises(KeptRefusal), unit_of_work():
        write()
        after_commit(lambda: seen.append(stored()))
        raise KeptRefusal
    assert (stored(), seen) == (1, [1])


def test_evidence_that_cannot_be_stored_leaves_a_usable_session(app: Hub) -> None:
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.add_all([Salesman(name="Ajay"), Salesman(name="Ajay")])
        raise KeptRefusal
    with unit_of_work():
        write()
    assert stored() == 1


def test_an_action_that_is_added_twice_runs_once(seen: list[int]) -> None:
    def action() -> None:
        seen.append(stored())

    with unit_of_work():
        after_commit(action)
        after_commit(action)
    assert seen == [0]


def test_a_failed_action_stops_neither_the_others_nor_the_caller(seen: list[int]) -> None:
    def broken() -> None:
        raise ConnectionError

    with unit_of_work():
        write()
        after_commit(broken)
        after_commit(lambda: seen.append(stored()))
    assert seen == [1]


def test_last_work_is_done_once_with_all_its_items_before_the_commit(seen: list[int]) -> None:
    def work(items: Sequence[str]) -> None:
        seen.append(stored())
        for item in items:
            write(item)

    with unit_of_work():
        before_commit(work, "Ajay")
        before_commit(work, "Ravi")
        assert seen == []
    assert (seen, stored()) == ([0], 2)


def test_last_work_of_a_failed_unit_of_work_is_not_done_by_the_next(app: Hub) -> None:
    def work(items: Sequence[str]) -> None:
        for item in items:
            write(item)

    with pytest.raises(ZeroDivisionError), unit_of_work():
        before_commit(work, "Ajay")
        raise ZeroDivisionError
    with unit_of_work():
        before_commit(work, "Ravi")
    assert stored() == 1
