"""Command ``flask einvoices``."""

from __future__ import annotations

from datetime import UTC

import click
from flask.cli import AppGroup

from app.einvoices.pdf import print_job
from app.einvoices.providers import doubt
from app.operations.cli.accounts import ACTOR, cli_unit_of_work

einvoices = AppGroup("einvoices", help="E-invoices, their PDFs, and sendings in doubt.")


def _require_text(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("Give a reason.")
    return value.strip()


@einvoices.command("pdf")
@click.option("--missing", is_flag=True, help="All issued e-invoices without a PDF on the disk.")
@click.argument("ids", type=int, nargs=-1)
def make_pdfs(ids: tuple[int, ...], missing: bool) -> None:
    """Render PDFs now: of the e-invoices with these IDS, or of all whose PDF is missing."""
    if bool(ids) == missing:
        raise click.UsageError("Give either ids or --missing.")
    selected = print_job.find_missing_pdfs() if missing else list(ids)
    rendered = 0
    with click.progressbar(selected, label="PDFs", show_pos=True) as bar:
        for einvoice_id in bar:
            rendered += print_job.print_now(einvoice_id)
    click.echo(f"Rendered {rendered} of {len(selected)}.")
    if rendered < len(selected):
        raise click.ClickException("The field pdf_error of each failed e-invoice has the reason.")


@einvoices.command("in-doubt")
def list_doubts() -> None:
    """List the e-invoices that the provider may have although it gave no clear answer; the oldest first."""
    with cli_unit_of_work():
        found = doubt.list_doubts()
    for each in found:
        since = f"since {each.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC: " if each.since else ""
        click.echo(f"{each.einvoice_id}  {each.invoice_no}  {each.provider}  {since}{each.error}")
    click.echo(f"{len(found)} e-invoices are in doubt.")


@einvoices.command("settle-doubt")
@click.argument("einvoice_id", metavar="ID", type=int)
@click.option("--taken/--not-taken", default=None, help="Whether the provider has the e-invoice.")
@click.option(
    "--reason",
    required=True,
    callback=_require_text,
    help="How you found out; it is kept in the history and the audit trail.",
)
def settle_doubt(einvoice_id: int, taken: bool | None, reason: str) -> None:
    """Settle the doubt about the e-invoice with this ID, after you asked the provider."""
    if taken is None:
        raise click.UsageError("Give --taken or --not-taken.")
    with cli_unit_of_work():
        einvoice = doubt.settle(einvoice_id, taken=taken, reason=reason, scope=None, actor=ACTOR)
    click.echo(f"{einvoice.invoice_no} is {einvoice.status}; its provider status is {einvoice.provider_status}.")
