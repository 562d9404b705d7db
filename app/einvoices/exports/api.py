"""``/api/v1/exports/{period}``: the package of a month."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app
from flask.views import MethodView

from app.accounts import audit
from app.accounts.ownership import actor, chosen_owner
from app.einvoices.access import requires_einvoices
from app.einvoices.exports.month_scope import fix_scope
from app.einvoices.exports.package_places import NoPlaceForPackage, TooManyPackages, places
from app.einvoices.exports.package_stream import stream_package
from app.einvoices.schemas.evidence import ExportQuery
from app.kernel.errors import NotFound
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses

blp = ApiBlueprint("Exports", __name__, url_prefix="/api/v1/exports", description="What an accountant is sent.")


def answer_package(owner_id: int, period: str, actor_name: str) -> Response:
    """An answer with the package of a month; the export is recorded in the audit trail.

    Raises:
        Invalid: ``period`` is no month such as 2026-11.
        TooManyPackages, NoPlaceForPackage: as many packages are being sent as may be.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    places.reserve(owner_id)
    try:
        scope = fix_scope(owner_id, period)
        audit.record(
            "evidence.exported", actor=actor_name, subject=f"user:{owner_id}", period=period, documents=len(scope.ids)
        )
    except BaseException:
        places.release(owner_id)
        raise
    name = f'attachment; filename="evidence-{owner_id}-{period}.zip"'
    headers = {"Content-Disposition": name, "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    answer = Response(stream_package(app, scope), mimetype="application/zip", headers=headers)
    answer.call_on_close(lambda: places.release(owner_id))
    return answer


@blp.route("/<period>")
class MonthPackage(MethodView):
    @requires_einvoices("evidence:read")
    @refuses(NotFound, TooManyPackages, NoPlaceForPackage)
    @blp.arguments(ExportQuery, location="query")
    @blp.response(200, content_type="application/zip", example="PK …")
    def get(self, query: dict[str, Any], period: str) -> Response:
        """Download the package of a month (`2026-11`) as a ZIP file, streamed, however large it is.

        It has the PDFs, a list of the documents, the VAT by rate, the series, the part of the chain with proofs, and a
        verifier that runs offline. The month is that of the legal dates. An administrator chooses another owner by
        `owner_id`.
        """
        return answer_package(chosen_owner(query["owner_id"]), period, actor())
