"""Command ``flask einvoices``."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.einvoices.pdf import print_job

einvoices = AppGroup("einvoices", help="E-invoices and their PDFs.")


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
