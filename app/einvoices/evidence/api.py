"""``/api/v1/evidence/roots`` and ``…/einvoices/{id}/evidence``: the roots of the days, the proofs of one e-invoice."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.ownership import chosen_owner, scope
from app.einvoices.access import requires_einvoices
from app.einvoices.api import blp
from app.einvoices.errors import UnknownEinvoice
from app.einvoices.evidence import proof_samples as samples
from app.einvoices.queries.lookup import find
from app.einvoices.schemas.evidence import EvidenceSchema, RecordQuery, RootListSchema, RootQuery
from app.evidence import proofs, roots
from app.kernel.errors import NotFound
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses

roots_blp = ApiBlueprint(
    "Evidence", __name__, url_prefix="/api/v1/evidence", description="What proves that nothing was changed."
)


@roots_blp.route("/roots")
class Roots(MethodView):
    @requires_einvoices("evidence:read")
    @refuses(NotFound)
    @roots_blp.arguments(RootQuery, location="query")
    @roots_blp.response(200, RootListSchema, example={"data": [samples.ROOT]})
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read the Merkle roots of your days, oldest first; the next page begins after the last `day`.

        Keep them where the operator of the hub cannot change them: whoever has the root of a day can prove later that
        its records are still the same. An administrator reads those of another owner by `owner_id`.
        """
        return {"data": roots.list_roots(chosen_owner(query["owner_id"]), query["after"], query["limit"])}


@blp.route("/<int:einvoice_id>/evidence")
class EinvoiceEvidence(MethodView):
    @requires_einvoices("evidence:read")
    @refuses(UnknownEinvoice)
    @blp.arguments(RecordQuery, location="query")
    @blp.response(200, EvidenceSchema, example={"data": [samples.PROVEN]})
    def get(self, query: dict[str, Any], einvoice_id: int) -> dict[str, Any]:
        """Read what the chain of its owner records of an e-invoice, each record with its inclusion proof.

        The proof leads to the root of the day of the record; it is `null` until that day (in UTC) is over.
        """
        einvoice = find(einvoice_id, scope(), items=False)
        return {"data": proofs.prove(proofs.records_of(einvoice.id, query["after"], query["limit"]))}
