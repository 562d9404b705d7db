"""The commands in ``docs/goods-receipts.md`` run with the demo data."""

from __future__ import annotations

import argparse
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from app.grn.papers import print_job
from app.grn.schemas.receipts import MAX_ITEMS, MAX_ROLLS
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import json_body

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "goods-receipts.md").read_text()
_curl = argparse.ArgumentParser()
_curl.add_argument("url")
_curl.add_argument("-X", dest="method", default="GET")
_curl.add_argument("-H", dest="headers", action="append")
_curl.add_argument("-d", dest="body")
_curl.add_argument("-F", dest="form")
_curl.add_argument("--data-binary", dest="binary")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def _calls() -> list[tuple[argparse.Namespace, int]]:
    lines = re.findall(r"^curl (.*?) # (\d{3})$", "\n".join(_blocks("shell")), re.S | re.M)
    return [(_curl.parse_args(shlex.split(line)), int(status)) for line, status in lines]


def test_every_command_answers_with_the_stated_status(clerk: FlaskClient) -> None:
    [rolls_csv] = _blocks("csv")
    calls = _calls()
    assert len(calls) == PAGE.count("\ncurl ") == 20
    for call, status in calls:
        sent: dict[str, Any] = {"data": call.body, "content_type": "application/json"}
        if call.form:
            assert call.form == "file=@rolls.csv"
            sent = {"data": {"file": (io.BytesIO(rolls_csv.encode()), "rolls.csv")}}
        if call.binary:
            assert call.binary == "@rolls.csv"
            sent = {"data": rolls_csv, "content_type": "text/csv"}
        if call.url.endswith(".pdf"):
            print_job.print_due()
        answer = clerk.open(call.url.removeprefix("$HUB"), method=call.method, buffered=True, **sent)
        assert answer.status_code == status, (call.url, answer.data)
        if status == 200 and "rollNo" in call.url:
            assert json_body(answer)["totalElements"] == 1


def test_the_example_error_is_correct(clerk: FlaskClient) -> None:
    [shown] = _blocks("json")
    sent = a_receipt(a_fabric_item(supplierRollList=[a_roll(), a_roll(-5)]))
    assert json_body(clerk.post("/api/invoices", json=sent), 400) == json.loads(shown)


def test_the_stated_limits_are_correct() -> None:
    assert f"at most {MAX_ITEMS} items and {MAX_ROLLS:,} rolls" in PAGE
