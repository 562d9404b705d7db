"""``/api/sales``: bulk import of invoices, read as a stream, and export of lists as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, request
from flask.views import MethodView
from werkzeug.exceptions import RequestEntityTooLarge

from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.kernel import clock
from app.kernel.errors import PayloadTooLarge, UnsupportedMediaType
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.openapi import refuses
from app.kernel.json import encode
from app.kernel.messages import N_, Message, as_message
from app.kernel.schemas.error_limits import MAX_ERRORS, count_errors, limit_errors
from app.kernel.schemas.fast_dump import make_dumper
from app.sales import samples
from app.sales.api.errors import SalesEnvelope
from app.sales.errors import AllRefused, SheetFull, TooManyInvoices
from app.sales.files import export, json_stream
from app.sales.imports import stream as imports_stream
from app.sales.schemas.bulk import BulkImportAnswerSchema, BulkQuery, VerdictSchema
from app.sales.schemas.lists import ExportQuery

blp = ApiBlueprint("Sales bulk", __name__, url_prefix="/api/sales", description="Many sales invoices at once.")

BLOCK = 64 * 1024
_envelope = SalesEnvelope()
_show = make_dumper(VerdictSchema(only=("id", "total_amount", "total_difference")))
#: Nothing is wrong with this one: others kept it out (RFC 4918, section 11.4).
_NOT_ALONE = {"status": 424, "message": "Not imported: others were refused."}
_READERS = {
    "application/json": json_stream.elements,
    "application/x-ndjson": json_stream.lines,
    "application/ndjson": json_stream.lines,
    "application/jsonl": json_stream.lines,
}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WRITERS = {
    "csv": (export.as_csv, "text/csv"),
    "xlsx": (export.as_xlsx, _XLSX),
}
_INVOICE = {"$ref": "#/components/schemas/Import"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "array", "maxItems": imports_stream.MAX_INVOICES, "items": _INVOICE},
            "example": [samples.PAYLOAD],
        },
        "application/x-ndjson": {"schema": {"type": "string", "description": "One invoice a line."}},
    },
}
_EXAMPLE = {
    "success": False,
    "message": "1 imported, 1 already there, 1 refused.",
    "data": {
        "imported": 1,
        "duplicates": 1,
        "refused": 1,
        "results": [
            {"index": 0, "invoice_no": "LTPI-77282", "status": 201, "id": 123, "total_amount": 920.0},
            {
                "index": 1,
                "invoice_no": "LTPI-77281",
                "status": 409,
                "message": "Invoice with this invoice_no already exists.",
                "data": {"id": 122, "invoice_no": "LTPI-77281", "identical": True},
            },
            {
                "index": 2,
                "invoice_no": "LTPI-77283",
                "status": 400,
                "message": "Validation failed",
                "errors": {"items": {"0": {"quantity": ["Ensure this value is greater than or equal to 1."]}}},
            },
        ],
    },
}


@blp.route("/import/invoices/")
class BulkImport(MethodView):
    @requires("sales:import")
    @allow_bulk_body
    @refuses(AllRefused, TooManyInvoices, PayloadTooLarge, UnsupportedMediaType, json_stream.Broken)
    @blp.doc(requestBody=_BODY)
    @blp.arguments(BulkQuery, location="query")
    @blp.response(200, BulkImportAnswerSchema, example=_EXAMPLE)
    def post(self, query: dict[str, Any]) -> Any:
        """Import up to 10,000 invoices.

        A JSON array, or one invoice a line as `application/x-ndjson`, up to 32 MiB. Every invoice is imported or
        refused by itself; the results come in the order sent, with the status that the single import would have
        answered. `invoice_no` makes it safe to repeat: what is there already answers 409 and tells whether it is
        identical. With `atomic=true` one refusal refuses all and nothing is stored; 424 marks those that only others
        kept out. An identical one is no refusal, so that a request whose answer was lost can be sent again.
        """
        read = _READERS.get(request.mimetype)
        if read is None:
            raise UnsupportedMediaType(N_("Send a JSON array, or one invoice a line as application/x-ndjson."))
        caller = authenticate().user_id
        try:
            return _answer(
                imports_stream.import_stream(read(_blocks()), created_user_id=caller, atomic=query["atomic"])
            )
        except AllRefused as refusal:
            refusal.data = summary(refusal.report, stored=False) if refusal.report else None
            raise


@blp.route("/export/")
class Export(MethodView):
    @requires("sales:read")
    @refuses(SheetFull)
    @blp.arguments(ExportQuery, location="query")
    @blp.doc(responses={200: {"content": {_XLSX: {"schema": {"type": "string", "format": "binary"}}}}})
    @blp.response(200, content_type="text/csv", example="id,status,billing_status,invoice_no,…\r\n")
    def get(self, query: dict[str, Any]) -> Response:
        """Export a filtered list as CSV or XLSX, newest first.

        Streamed, however long it is. Texts that a spreadsheet would take for formulas are marked as text.
        """
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        write, mimetype = _WRITERS[query["format"]]
        name = f"invoices-{clock.now():%Y%m%d-%H%M%S}.{query['format']}"
        return Response(
            write(app, query, items=query["rows"] == "items"),
            mimetype=mimetype,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"},
        )


def _blocks() -> Iterator[bytes]:
    """The body in blocks.

    Raises:
        PayloadTooLarge: the body goes on behind the limit; one in chunks may be cut off there without a word.
    """
    stream, size = request.stream, 0
    try:
        while block := stream.read(BLOCK):
            size += len(block)
            yield block
    except RequestEntityTooLarge as error:
        # Werkzeug's own refusal would say nothing of the invoices that were read and stored before.
        raise PayloadTooLarge from error
    if size >= (request.max_content_length or 0) and request.environ["wsgi.input"].read(1):
        raise PayloadTooLarge


def _answer(report: imports_stream.Report) -> Any:
    """The report in the envelope of this surface; a fault that ended the reading early gives the status."""
    data = summary(report)
    clean = not report.undone and not report.fault
    different = len(report.undone) - data["refused"]
    there = f"{data['duplicates']} already there{f' ({different} with other content)' if different else ''}"
    told = f"{data['imported']} imported, {there}, {data['refused']} refused."
    if report.fault is None:
        # Not through the schema, which would take longer over ten thousand results than the database over the invoices.
        return Response(encode({"success": clean, "message": told, "data": data}), mimetype="application/json")
    report.fault.data = data
    report.fault.message = Message(
        N_("%(message)s Before that: %(told)s"), message=as_message(report.fault.message), told=told
    )
    raise report.fault


#: Errors of an answer; of the invoices after these, each has one. 10,000 invoices with 100 errors each take 100 MB.
_MOST_ERRORS = 20_000


def summary(report: imports_stream.Report, *, stored: bool = True) -> dict[str, Any]:
    """Counts and results, as the answer shows them; not ``stored`` when all was taken back."""
    left = _MOST_ERRORS
    results = []
    for verdict in report.verdicts:
        if verdict.refusal is not None and verdict.refusal.errors:
            verdict.refusal.errors = limit_errors(verdict.refusal.errors, max(1, min(left, MAX_ERRORS)))
            left -= count_errors(verdict.refusal.errors)
        results.append(_result(verdict, stored=stored))
    if not stored:
        _forget_ids(results, {verdict.invoice["id"] for verdict in report.verdicts if verdict.invoice})
    tally = Counter(result["status"] for result in results)
    kinds = {"imported": tally[201], "duplicates": tally[409]}
    refused = len(results) - sum(kinds.values()) - tally[_NOT_ALONE["status"]]
    return {**kinds, "refused": refused, "results": results}


def _forget_ids(results: list[dict[str, Any]], taken_back: set[int]) -> None:
    """A repetition within the request names the invoice that came first, which is not there any more."""
    for result in results:
        if result.get("data", {}).get("id") in taken_back:
            result["data"].pop("id")


def _result(verdict: imports_stream.Verdict, *, stored: bool) -> dict[str, Any]:
    result = {"index": verdict.index, "invoice_no": verdict.invoice_no}
    refusal = verdict.refusal
    if refusal is None:
        return {**result, "status": 201, **_show(verdict.invoice or {})} if stored else {**result, **_NOT_ALONE}
    body = _envelope.body(refusal)
    del body["success"]
    return {**result, "status": _envelope.status(refusal), **body}
