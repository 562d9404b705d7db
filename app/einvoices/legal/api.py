"""``/api/v1/einvoices/check`` and ``/verdict``: checks of documents in legal formats, of whatever origin."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView

from app.accounts.ownership import owner_id
from app.einvoices.access import requires_einvoices
from app.einvoices.errors import UnreadableLegalDocument
from app.einvoices.legal import document_checks as checks
from app.einvoices.legal.samples import CHECK, OFFICIAL, VERDICT, XML
from app.einvoices.official import request_queue
from app.einvoices.official.official_answers import WAIT_SECONDS
from app.einvoices.official.request_queue import OfficialAnswer
from app.einvoices.schemas.legal import CheckQuery, EinvoiceCheckSchema, EinvoiceVerdictSchema, OfficialAnswerSchema
from app.kernel.errors import BadRequest, Busy, Invalid, NotFound, PayloadTooLarge
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.openapi import refuses
from app.kernel.messages import N_
from app.kernel.unit_of_work import commit_early

blp = ApiBlueprint(
    "Legal documents",
    __name__,
    url_prefix="/api/v1/einvoices",
    description="Checks of documents in UBL, CII, UBL-TR, INV-01 and hybrid PDFs; no document is kept.",
)

_FILE: dict[str, Any] = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/xml": {"schema": {"type": "string"}, "example": XML},
        "application/json": {"schema": {"type": "object"}, "example": {"Version": "1.1", "ItemList": []}},
        "application/pdf": {"schema": _FILE},
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}},
        },
    },
}


def _document() -> bytes:
    """The document of the request: a form field ``file``, or the body itself."""
    if request.mimetype != "multipart/form-data":
        if not (content := bytes(request.get_data())):
            raise BadRequest(N_("The body is empty; send a document."))
        return content
    if "file" not in request.files:
        raise Invalid({"file": [N_("This field is required.")]})
    return bytes(request.files["file"].read())


@blp.route("/check")
class DocumentCheck(MethodView):
    @requires_einvoices("einvoices:read")
    @allow_bulk_body
    @refuses(BadRequest, UnreadableLegalDocument, PayloadTooLarge, Busy)
    @blp.doc(requestBody=_BODY)
    @blp.arguments(CheckQuery, location="query")
    @blp.response(200, EinvoiceCheckSchema, example=CHECK)
    def post(self, query: dict[str, Any]) -> checks.FullCheck:
        """Check a document by its XML schema and the business rules of a profile.

        The content tells the format: UBL, CII, UBL-TR, GST INV-01, or a PDF with one of them inside. The answer is 200
        whatever the rules say: `valid` and `findings` have the result. Sums are the task of `POST …/verdict`.

        With `official=true` the official rules are applied too, by a worker. If it answers within 5 seconds,
        `official` has its result. Else `state` is `pending`: ask `GET …/check/official/{id}`, or send it again.
        """
        content, owner = _document(), owner_id()
        commit_early()  # checking takes long; meanwhile it holds no connection
        seconds = WAIT_SECONDS if query["official"] else None
        return checks.full_check(content, query["profile"], owner=owner, seconds=seconds)


@blp.route("/check/official/<int:request_id>")
class OfficialResult(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(NotFound)
    @blp.response(200, OfficialAnswerSchema, example=OFFICIAL)
    def get(self, request_id: int) -> OfficialAnswer:
        """What the official rules say about a document that was sent with `official=true` in the last 10 minutes."""
        if (found := request_queue.find(request_id, owner_id())) is None:
            raise NotFound
        return found


@blp.route("/verdict")
class DocumentVerdict(MethodView):
    @requires_einvoices("einvoices:read")
    @allow_bulk_body
    @refuses(BadRequest, UnreadableLegalDocument, PayloadTooLarge, Busy)
    @blp.doc(requestBody=_BODY)
    @blp.response(200, EinvoiceVerdictSchema, example=VERDICT)
    def post(self) -> checks.DocumentVerdict:
        """Recompute every sum of a document in exact decimals.

        Named rounding rules are tried in a fixed order. If one fits, `rule` names it and there are no findings.
        Otherwise `findings` is the smallest set of amounts whose correction makes a rule fit.
        """
        content, owner = _document(), owner_id()
        commit_early()  # a large document takes long; meanwhile it holds no connection
        return checks.verdict(content, owner=owner)
