"""Commands of ``flask einvoices`` that take a step of one or more e-invoices, and the report of the series."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from flask.cli import AppGroup

from app.accounts import users
from app.einvoices.lifecycle import corrections, issue, numbering
from app.einvoices.models.einvoices import Einvoice
from app.operations.cli.accounts import ACTOR, cli_unit_of_work, require_text

_IDS = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
_REASON = click.option("--reason", required=True, callback=require_text, help="It is kept in the history.")


def add_to(group: AppGroup) -> None:
    """Add the commands to ``flask einvoices``."""
    for command in (issue_drafts, send, cancel, correct, show_series):
        group.add_command(command)


def _take(ids: tuple[int, ...], step: Callable[[int], Einvoice]) -> None:
    """Take a step of each e-invoice; when one is refused, the others go on, and the exit code is 1."""
    refused = False
    for einvoice_id in ids:
        try:
            with cli_unit_of_work():
                einvoice = step(einvoice_id)
        except click.ClickException as error:
            refused = True
            click.echo(f"{einvoice_id}  Error: {error.message}", err=True)
        else:
            name = einvoice.invoice_no or f"draft {einvoice.id}"
            click.echo(f"{einvoice_id}  {name}  {einvoice.status}  {einvoice.provider_status or ''}".rstrip())
    if refused:
        sys.exit(1)


@click.command("issue")
@_IDS
def issue_drafts(ids: tuple[int, ...]) -> None:
    """Issue the drafts with these IDs: each gets the next number of its series."""
    _take(ids, lambda einvoice_id: issue.issue(einvoice_id, None, ACTOR))


@click.command("send")
@click.option("--account", type=int, help="Id of another provider account than that of the draft.")
@_IDS
def send(ids: tuple[int, ...], account: int | None) -> None:
    """Queue the e-invoices with these IDs for their providers; a worker sends them."""
    _take(ids, lambda einvoice_id: issue.send(einvoice_id, None, ACTOR, provider_account_id=account))


@click.command("cancel")
@_REASON
@_IDS
def cancel(ids: tuple[int, ...], reason: str) -> None:
    """Cancel the e-invoices with these IDs; their numbers stay used."""
    _take(ids, lambda einvoice_id: issue.cancel(einvoice_id, reason, None, ACTOR))


@click.command("correct")
@_REASON
@_IDS
def correct(ids: tuple[int, ...], reason: str) -> None:
    """Create a draft with the same content for each rejected e-invoice with these IDs."""
    _take(ids, lambda einvoice_id: corrections.correct(einvoice_id, reason, None, ACTOR))


@click.command("series")
@click.argument("email")
def show_series(email: str) -> None:
    """Report the series of the user with this EMAIL; exit code 1 if a number is missing."""
    with cli_unit_of_work():
        report = numbering.series_report(users.get_user_by_email(email).id)
    for each in report:
        missing = ", ".join(f"{gap['first']}-{gap['last']}" for gap in each["gaps"]) or "none"
        series = f"{each['prefix']}-{each['year']}"
        click.echo(f"{series}  {each['first']}-{each['last']}  {each['cancelled']} cancelled  missing: {missing}")
    if any(each["gaps"] for each in report):
        sys.exit(1)
