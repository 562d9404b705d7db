"""``docs/evidence.md`` names every kind of record that the hub writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.einvoices.evidence.chain_records import ARTEFACT, ISSUED, RECORDED_LATE, REMOVED
from app.einvoices.models.work import CheckState
from app.einvoices.status import Type
from app.evidence.chain import BEGUN
from app.webhooks.sender.delivery_evidence import DELIVERY

ROOT = Path(__file__).resolve().parents[2]
#: Entries of the history of drafts, which have no number and no records.
OF_DRAFTS = {"created", "changed", "return_created", "credit_note_created"}
#: Kinds whose names are no constants in a call.
BUILT = {
    *(BEGUN, ISSUED, RECORDED_LATE, ARTEFACT, REMOVED, DELIVERY, "sent", "status_changed", "provider_status_updated"),
    *("link_created", "link_revoked"),
    *(f"decision_{state}" for state in (CheckState.CONTRADICTED, CheckState.UNCONFIRMED)),
    *(f"{kind}_drafted" for kind in (Type.RETURN, Type.CREDIT_NOTE)),
}


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be: a constant, or one of two."""
    if isinstance(node, ast.IfExp):
        yield from (*constants(node.body), *constants(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def recorded_kinds() -> Iterator[str]:
    """The names of kinds in calls that record a step of an e-invoice."""
    for path in (ROOT / "app" / "einvoices").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in {"record", "record_step"}:
                place = 1 if name == "record" else 0
                yield from constants(node.args[place])


def test_the_page_names_every_kind() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text()
    table = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", page, re.MULTILINE)
    named = {kind for cell in table for kind in re.findall(r"`([a-z_]+)`", cell)}
    found = set(recorded_kinds()) - OF_DRAFTS
    assert {"cancelled", "queued", "not_sent", "corrected", "doubt_settled", "decision_confirmed"} <= found
    assert sorted((found | BUILT) - named) == []
