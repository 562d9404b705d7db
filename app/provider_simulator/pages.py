"""The page of the simulator: how it behaves, where its reports go, what it has, and reports on demand."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_from_directory, url_for
from flask_babel import format_datetime, format_decimal, gettext
from flask_wtf.csrf import CSRFError
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response as AnyResponse

from app.config import KIB
from app.einvoices.providers.behaviours import BEHAVIOURS, DEFAULT
from app.kernel.messages import N_
from app.languages import LANGUAGES, SOURCE
from app.provider_simulator.contract_api import current_simulator
from app.provider_simulator.document_store import Document

PAGE_SIZE = 50
#: Words that the buttons report.
WORDS = ("accepted", "rejected", "processing")
_STATIC = Path(__file__).resolve().parents[1] / "admin" / "static"
_STYLES = ("vendor/pico.css", "hub.css", "mark.svg")
_TONES = {"accepted": "good", "rejected": "bad"}
_ACCOUNT = re.compile(r"[\w.-]{1,100}")
_MOST_PERCENT = 100

blp = Blueprint("pages", __name__, template_folder="templates")


def language() -> str:
    """The language that the browser prefers."""
    return request.accept_languages.best_match(LANGUAGES) or SOURCE


@blp.get("/")
def show() -> str:
    """Show the page."""
    simulator = current_simulator()
    before = request.args.get("before", type=int)
    documents = simulator.store.documents(before=before, limit=PAGE_SIZE)
    return render_template(
        "provider_simulator/page.html",
        behaviours=BEHAVIOURS,
        chosen=simulator.default,
        shares=simulator.shares,
        look_up_failures=simulator.look_up_failures,
        counts=sorted(simulator.counts.items()),
        targets=simulator.store.targets(),
        documents=documents,
        answers=simulator.store.answers_of(documents),
        total=simulator.store.count(),
        older=documents[-1].id if len(documents) == PAGE_SIZE else None,
        moment=_moment,
        size=_size,
        tones=_TONES,
        words=WORDS,
    )


@blp.get("/static/<path:name>")
def style(name: str) -> Response:
    """Serve a style or the mark of the hub."""
    if name not in _STYLES:
        abort(404)
    response = send_from_directory(_STATIC, name)
    response.headers["Cache-Control"] = "max-age=60"
    return response


@blp.post("/behaviour")
def change_behaviour() -> AnyResponse:
    """Set the default behaviour and the shares."""
    chosen = request.form.get("default", DEFAULT)
    percents = {name: _percent(f"share_{name}") for name in BEHAVIOURS}
    failures = _percent("look_up_failures")
    shares = {name: share for name, share in percents.items() if share}
    if chosen not in BEHAVIOURS or failures is None or None in percents.values():
        return _back(N_("Use whole numbers from 0 to 100."), "error")
    if sum(share or 0 for share in percents.values()) > _MOST_PERCENT:
        return _back(N_("The shares together exceed 100 %."), "error")
    store = current_simulator().store
    for name, value in (("default", chosen), ("shares", shares), ("look_up_failures", failures)):
        store.set_setting(name, value)
    return _back(N_("Saved."), "good")


@blp.post("/targets")
def set_target() -> AnyResponse:
    """Set where the reports of an account go."""
    account, url, secret = (request.form.get(name, "").strip() for name in ("account", "url", "secret"))
    if not _ACCOUNT.fullmatch(account):
        return _back(N_("The account may have letters, digits, dots and hyphens."), "error")
    if not _is_url(url):
        return _back(N_("The address must begin with http:// or https://."), "error")
    if not _is_secret(secret):
        return _back(N_("The secret must begin with whsec_, as the hub shows it."), "error")
    if not current_simulator().store.set_target(account, url, secret):
        return _back(N_("There are too many accounts."), "error")
    return _back(N_("Saved."), "good")


@blp.post("/documents/<int:document_id>/report")
def report(document_id: int) -> AnyResponse:
    """Report a status of an e-invoice now."""
    word = request.form.get("word", "")
    if word not in WORDS or not current_simulator().store.report_now(document_id, word):
        abort(404)
    return _back(N_("The report is on its way, if its account has an address."), "good")


@blp.get("/documents/<int:document_id>/file")
def download(document_id: int) -> Response:
    """Download the legal document that came with an e-invoice."""
    file = current_simulator().store.file_of(document_id)
    if file is None or file.content is None:
        abort(404)
    response = Response(file.content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=secure_filename(file.file_name))
    return response


@blp.post("/clear")
def clear() -> AnyResponse:
    """Forget every e-invoice."""
    current_simulator().store.clear()
    current_simulator().counts.clear()
    return _back(N_("The list is empty."), "good")


@blp.app_errorhandler(CSRFError)
def refuse_form(_error: CSRFError) -> tuple[str, int]:
    """A form without a valid token: it is old, or another site sent it."""
    return gettext("This form is out of date. Load the page again and repeat what you did."), 400


def _back(text: str, tone: str) -> AnyResponse:
    flash(gettext(text), tone)
    return redirect(url_for("pages.show"), 303)


def _percent(name: str) -> int | None:
    """A percentage of the form; None if it is none."""
    text = request.form.get(name, "").strip() or "0"
    is_number = text.isascii() and text.isdigit() and len(text) <= 3  # noqa: PLR2004
    return int(text) if is_number and int(text) <= _MOST_PERCENT else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_secret(text: str) -> bool:
    try:
        return text.startswith("whsec_") and bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except binascii.Error:
        return False


def _moment(document: Document) -> str:
    return str(format_datetime(datetime.fromtimestamp(document.stored_at, UTC), "medium"))


def _size(document: Document) -> str:
    """The size of its legal document, as the language writes numbers; less than a tenth of a KiB in bytes."""
    size = document.size or 0
    return f"{size} B" if size < KIB // 10 else f"{format_decimal(round(size / KIB, 1))} KiB"
