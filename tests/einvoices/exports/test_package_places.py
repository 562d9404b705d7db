"""How many packages an owner and a process send at the same time: each holds files open, however slowly it is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts import audit
from app.accounts.models.accounts import AuditEntry
from app.einvoices.exports import api, package_places
from tests.einvoices.exports.packages import EXPORTS, PERIOD
from tests.operations.cli.cli_helpers import stored_rows

URL = f"{EXPORTS}/{PERIOD}"


@pytest.fixture(autouse=True)
def _places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "places", package_places.PackagePlaces())


@pytest.fixture
def readers() -> Iterator[list[TestResponse]]:
    """Answers that are read no further; they are closed in the end."""
    opened: list[TestResponse] = []
    yield opened
    for answer in opened:
        answer.close()


def test_a_third_package_of_an_owner_waits_until_one_is_complete(
    owner: FlaskClient, readers: list[TestResponse], monkeypatch: pytest.MonkeyPatch
) -> None:
    readers += [owner.get(URL) for _ in range(2)]
    assert [answer.status_code for answer in readers] == [200, 200]
    with monkeypatch.context() as patch:  # the limit comes before the work
        patch.setattr(api, "fix_scope", lambda *_args: pytest.fail("a refused package reads nothing"))
        refused = owner.get(URL)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert refused.json["error"] == "TOO_MANY_PACKAGES"
    assert [entry.action for entry in stored_rows(AuditEntry)].count("evidence.exported") == 2
    assert readers[0].data  # read to its end
    readers.pop(0).close()
    readers.append(owner.get(URL))
    assert readers[-1].status_code == 200


def test_a_reader_that_goes_away_gives_its_place_back(owner: FlaskClient) -> None:
    for _ in range(package_places.MOST_OF_OWNER + 2):
        answer = owner.get(URL)
        assert answer.status_code == 200
        answer.close()


def test_all_owners_together_have_a_limit(
    owner: FlaskClient, readers: list[TestResponse], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_places, "MOST", 1)
    readers.append(owner.get(URL))
    refused = owner.get(URL)
    assert (refused.status_code, refused.json["error"]) == (503, "NO_PLACE_FOR_PACKAGE")


def test_a_package_that_cannot_begin_takes_no_place(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", lambda *_args, **_facts: 1 / 0)
        for _ in range(package_places.MOST_OF_OWNER):
            assert owner.get(URL).status_code == 500
    answer = owner.get(URL)
    assert answer.status_code == 200
    answer.close()
