"""What operators type about e-invoices."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.einvoices.pdf import print_job

einvoices = AppGroup("einvoices", help="E-invoices and their PDFs.")


@einvoices.command("pdf")
@click.option("--missing", is_flag=True, help="All that have a number and no PDF on the disk.")
@click.argument("ids", type=int, nargs=-1)
def make_pdfs(ids: tuple[int, ...], missing: bool) -> None:
    """Make PDFs here and now: of the e-invoices with these IDS, or of all whose PDF is missing."""
    if bool(ids) == missing:
        raise click.UsageError("Give either ids or --missing.")
    wanted = print_job.find_missing_pdfs() if missing else list(ids)
    made = 0
    with click.progressbar(wanted, label="PDFs", show_pos=True) as bar:
        for einvoice_id in bar:
            made += print_job.print_now(einvoice_id)
    click.echo(f"Made {made} of {len(wanted)}.")
    if made < len(wanted):
        raise click.ClickException("What failed shows its reason as pdf_error.")
