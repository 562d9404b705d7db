"""The limit of errors: the first hundred are kept in place, the last entry counts the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.kernel.errors import Invalid
from app.kernel.schemas.error_limits import MAX_ERRORS, NotShown, count_errors, limit_errors


def test_few_errors_stay_as_they_are() -> None:
    errors = {"items": {n: ["wrong"] for n in range(MAX_ERRORS)}}
    assert limit_errors(errors) is errors
    assert limit_errors(None) is None


def test_of_many_errors_the_first_stay_and_the_last_entry_counts_the_others() -> None:
    errors = {
        "_schema": ["first of all"],
        "items": {**{n: {"name": ["wrong"], "price": ["wrong"]} for n in range(60)}, 60: [NotShown(values=7)]},
        "notes": "long",
    }
    limited = Invalid(errors).errors
    assert limited is not None
    assert count_errors(limited) == MAX_ERRORS + 1
    assert list(limited) == ["items", "_schema"]
    assert limited["_schema"] == ["first of all", "22 more errors are not shown, and 7 values were not checked."]
    assert len(limited["items"]) == 50
    assert limited["items"][49] == {"name": ["wrong"]}


HOSTILE = b'{"%s":[' + b"0," * 500_000 + b"0]}"
BODIES = [
    ("sales:import", "/api/sales/import/invoice/", HOSTILE % b"items"),
    ("grn:write", "/api/invoices", HOSTILE % b"fabricItemList"),
]


@pytest.mark.parametrize(("ability", "path", "body"), BODIES, ids=[path for _, path, _ in BODIES])
def test_a_megabyte_of_wrong_elements_gets_a_short_answer(
    client_with: Callable[[str], FlaskClient], ability: str, path: str, body: bytes
) -> None:
    answer = client_with(ability).post(path, data=body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert len(answer.data) < 2000


def test_errors_of_an_allowed_length_are_counted_in_each_envelope(client_with: Callable[[str], FlaskClient]) -> None:
    more = "900 values were not checked."
    grn = client_with("grn:write").post("/api/invoices", json={"fabricItemList": [{"supplierRollList": [0] * 1000}]})
    assert len(grn.json["errors"]) == MAX_ERRORS + 1
    assert grn.json["errors"][-1]["message"].endswith(more)
    sale = client_with("sales:import").post("/api/sales/import/invoice/", json={"items": [0] * 1000})
    assert list(sale.json["errors"])[-1] == "non_field_errors"
    assert sale.json["errors"]["non_field_errors"][0].endswith(more)
