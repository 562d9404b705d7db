"""Every field of the import, by every way into the hub: stored, read back, compared and corrected.

The payloads are derived from ``ImportSchema``, so a new field is tested without a change of this file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import Schema, fields
from openpyxl import Workbook

from app.kernel.http.app import Hub
from app.kernel.schemas.fields import CalendarDate, Choice, Metadata, Number, Text
from app.sales.schemas.invoices import ImportSchema
from tests.sales.conftest import IMPORT, LIST, UPDATE, bodies

BULK = "/api/sales/import/invoices/"
TABLES = ("csv", "xlsx")
#: An item's fields in a table, where they are not called as in JSON.
ITEM_HEADINGS = {"name": "item_name", "remarks": "item_remarks"}

Payload = dict[str, Any]


def a_payload(variant: int) -> Payload:
    """A value for every field; payloads of two variants differ in each of them."""
    return _object(ImportSchema(), variant)


def _object(schema: Schema, variant: int) -> Payload:
    keys = {field.data_key or name: field for name, field in schema.load_fields.items()}
    return {key: _value(key, field, variant + place) for place, (key, field) in enumerate(keys.items())}


def _value(key: str, field: fields.Field, variant: int) -> Any:
    value: Any
    match field:
        case Choice():
            choices = list(field.validators[0].choices)
            value = choices[variant % len(choices)]
        case Text():
            value = f"{variant} {key}"[: field.limit]
        case Number():
            value = variant + (1.25 if field.places else 1)
        case CalendarDate():
            value = (date(2027, 1, 1) + timedelta(days=variant)).isoformat()
        case Metadata():
            value = {"route": variant}
        case fields.Nested():
            value = _object(field.schema, variant)
        case fields.List():
            value = [_value(key, field.inner, variant), _value(key, field.inner, variant + 50)]
        case _:
            raise TypeError(f"{key}: no value for {field!r}")
    return value


def as_sent(shown: Payload, sent: Payload) -> Payload:
    """The fields of ``sent`` out of an invoice as the API shows it."""
    customer = {key: shown["customer"][key] for key in sent["customer"]}
    items = [{key: line[key] for key in item} for line, item in zip(shown["items"], sent["items"], strict=True)]
    plain = {key: shown[key] for key in sent}
    return plain | {"salesman": shown["salesman"]["name"], "customer": customer, "items": items}


class Ways:
    """The ways of an import into the hub, each a method that sends one payload."""

    def __init__(self, app: Hub, erp: FlaskClient, folder: Path) -> None:
        self._app, self._erp, self._folder = app, erp, folder

    def single(self, payload: Payload) -> None:
        assert self._erp.post(IMPORT, json=payload).status_code == 201

    def bulk_json(self, payload: Payload) -> None:
        self._bulk(json.dumps([payload]), "application/json")

    def bulk_ndjson(self, payload: Payload) -> None:
        self._bulk(json.dumps(payload) + "\n", "application/x-ndjson")

    def _bulk(self, body: str, content_type: str) -> None:
        answer = self._erp.post(BULK, data=body, content_type=content_type)
        assert answer.json["data"]["imported"] == 1, answer.text

    def file_json(self, payload: Payload) -> None:
        self.read_file("day.json", json.dumps([payload]))

    def file_ndjson(self, payload: Payload) -> None:
        self.read_file("day.ndjson", json.dumps(payload))

    def csv(self, payload: Payload) -> None:
        with (self._folder / "day.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(_table(payload))
        self.read_file("day.csv")

    def xlsx(self, payload: Payload) -> None:
        book = Workbook()
        for row in _table(payload):
            book.active.append(row)
        book.save(self._folder / "day.xlsx")
        self.read_file("day.xlsx")

    def read_file(self, name: str, text: str | None = None, *, count: str = "1 imported") -> None:
        path = self._folder / name
        if text is not None:
            path.write_text(text)
        result = self._app.test_cli_runner().invoke(args=["sales", "import", str(path)])
        assert count in result.output


def _table(payload: Payload) -> Iterator[list[Any]]:
    """Headings and a row for each item; an object has no place in a table."""
    header = {key: value for key, value in payload.items() if not isinstance(value, dict | list)}
    header |= {f"customer_{key}": value for key, value in payload["customer"].items()}
    rows = [header | {ITEM_HEADINGS.get(key, key): value for key, value in item.items()} for item in payload["items"]]
    yield list(rows[0])
    yield from (list(row.values()) for row in rows)


def without_objects(payload: Payload) -> Payload:
    return {key: value for key, value in payload.items() if key != "metadata"}


@pytest.fixture
def ways(app: Hub, erp: FlaskClient, tmp_path: Path) -> Ways:
    return Ways(app, erp, tmp_path)


def read_back(erp: FlaskClient, invoice_no: str) -> Payload:
    [found] = erp.get(LIST, query_string={"search": invoice_no}).json["results"]
    shown: Payload = erp.get(f"{LIST}{found['id']}/").json
    return shown


def paths(payload: Payload) -> list[str]:
    """Every field of a payload as the duplicate check names it; the number and the customer's code identify."""
    plain = [key for key in payload if key not in {"invoice_no", "customer", "items"}]
    customer = [f"customer.{key}" for key in payload["customer"] if key != "code"]
    return [*plain, *customer, *(f"items.1.{key}" for key in payload["items"][1])]


def test_payloads_of_two_variants_differ_in_every_field() -> None:
    one, other = a_payload(1), a_payload(2)
    assert set(one) >= {"invoice_no", "Total", "metadata", "customer", "items"}
    assert not [key for key in one if one[key] == other[key]]
    assert not [key for key in one["customer"] if one["customer"][key] == other["customer"][key]]
    assert not [key for key in one["items"][0] if one["items"][0][key] == other["items"][0][key]]


@pytest.mark.parametrize("way", ["single", "bulk_json", "bulk_ndjson", "file_json", "file_ndjson", *TABLES])
def test_every_field_is_stored_and_shown_in_the_event(ways: Ways, erp: FlaskClient, way: str) -> None:
    sent = a_payload(1)
    getattr(ways, way)(sent)
    shown = read_back(erp, sent["invoice_no"])
    expected = without_objects(sent) if way in TABLES else sent
    assert as_sent(shown, expected) == expected
    assert as_sent(bodies()[-1]["data"]["invoice"], expected) == expected


@pytest.mark.parametrize("replace", [False, True], ids=["changed lines", "new lines"])
def test_a_correction_changes_every_field(
    erp: FlaskClient, in_review: Callable[..., Payload], *, replace: bool
) -> None:
    first = a_payload(1)
    invoice_id = in_review(**first)["id"]
    sent = a_payload(2) | {"invoice_no": first["invoice_no"]}
    if not replace:  # the same customer and the same lines, found by code
        sent["customer"]["code"] = first["customer"]["code"]
        for item, old in zip(sent["items"], first["items"], strict=True):
            item["item_code"] = old["item_code"]
    answer = erp.patch(UPDATE, json=sent | {"replace_items": replace})
    assert answer.status_code == 200, answer.text
    assert as_sent(erp.get(f"{LIST}{invoice_id}/").json, sent) == sent
    assert as_sent(bodies()[-1]["data"]["invoice"], sent) == sent
    [*_, corrected] = erp.get(f"{LIST}{invoice_id}/history/").json["results"]
    changes = corrected["details"]["changes"]
    assert {*sent} - {"invoice_no"} <= {*changes}
    assert {*sent["customer"]} - {"code"} <= {*changes["customer"]}
    assert {*sent["items"][0]} - {"item_code"} <= {*changes["items"][0]["fields"]}


@pytest.mark.parametrize("path", paths(a_payload(1)))
def test_a_second_import_names_each_field_that_differs(ways: Ways, erp: FlaskClient, path: str) -> None:
    sent, other = a_payload(1), a_payload(2)
    ways.single(sent)
    place, value = sent, other
    *parents, key = path.split(".")
    for parent in parents:
        place, value = (part[int(parent) if parent.isdigit() else parent] for part in (place, value))
    place[key] = value[key]
    assert erp.post(IMPORT, json=sent).json["data"]["differences"] == [path]


@pytest.mark.parametrize("kind", TABLES)
def test_an_export_holds_every_field(ways: Ways, erp: FlaskClient, tmp_path: Path, kind: str) -> None:
    """The file is read again, and the duplicate check (tested above) finds no field that differs."""
    ways.single(without_objects(a_payload(1)))
    exported = erp.get("/api/sales/export/", query_string={"format": kind, "rows": "items"})
    (tmp_path / f"export.{kind}").write_bytes(exported.data)
    ways.read_file(f"export.{kind}", count="1 already there")
