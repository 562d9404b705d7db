"""Command ``flask einvoices``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click
from flask.cli import AppGroup

from app.accounts import users
from app.einvoices import sellers
from app.einvoices.decisions import settlement
from app.einvoices.evidence import removals
from app.einvoices.lifecycle import readiness
from app.einvoices.links import service as links
from app.einvoices.models.legal_fields import TaxRule
from app.einvoices.pdf import print_job
from app.einvoices.providers import doubt, lockouts
from app.einvoices.queries import lookup
from app.formats.tax_numbers import TaxScheme
from app.kernel.http.app import PUBLIC_PDFS
from app.kernel.outbound.public_address import public_url
from app.operations.cli import document_commands, einvoice_steps
from app.operations.cli.accounts import ACTOR, cli_unit_of_work, require_text
from app.operations.cli.provider_accounts import accounts
from app.rules.profiles import LegalProfile

einvoices = AppGroup("einvoices", help="E-invoices, their PDFs, checks, provider accounts, and sendings in doubt.")
einvoices.add_command(accounts)
einvoice_steps.add_to(einvoices)
document_commands.add_to(einvoices)


@einvoices.command("pdf")
@click.option("--missing", is_flag=True, help="All issued e-invoices without a PDF on the disk.")
@click.argument("ids", type=int, nargs=-1)
def make_pdfs(ids: tuple[int, ...], missing: bool) -> None:
    """Render PDFs now: of the e-invoices with these IDS, or of all whose PDF is missing."""
    if bool(ids) == missing:
        raise click.UsageError("Give either ids or --missing.")
    with cli_unit_of_work():
        selected = print_job.find_missing_pdfs() if missing else list(ids)
    rendered = 0
    with click.progressbar(selected, label="PDFs", show_pos=True) as bar:
        for einvoice_id in bar:
            rendered += print_job.print_now(einvoice_id)
    click.echo(f"Rendered {rendered} of {len(selected)}.")
    if rendered < len(selected):
        raise click.ClickException("The field pdf_error of each failed e-invoice has the reason.")


@einvoices.command("remove-personal-data")
@click.option("--issued-before", required=True, type=click.DateTime(["%Y-%m-%d"]), help="A day (UTC).")
@click.option("--reason", default="retention", show_default=True, callback=require_text, help="It is kept as evidence.")
def remove_personal_data(issued_before: datetime, reason: str) -> None:
    """Remove buyers, free texts and PDFs of e-invoices that were issued before a day; their amounts stay."""
    with cli_unit_of_work():
        expired = removals.find_expired(issued_before.replace(tzinfo=UTC))
    removed = 0
    for einvoice_id in expired:
        with cli_unit_of_work():
            removed += removals.remove_personal_data(einvoice_id, reason, ACTOR)
    click.echo(f"Removed the personal data of {removed} e-invoices.")
    if removed < len(expired):
        raise click.ClickException(f"{len(expired) - removed} wait for their provider; repeat the command later.")


@einvoices.command("in-doubt")
def list_doubts() -> None:
    """List the e-invoices about which a person has to decide whether the provider has them; the oldest first."""
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
    callback=require_text,
    help="How you found out; it is kept in the history and the audit trail.",
)
def settle_doubt(einvoice_id: int, taken: bool | None, reason: str) -> None:
    """Settle the doubt about the e-invoice with this ID, after you asked the provider."""
    if taken is None:
        raise click.UsageError("Give --taken or --not-taken.")
    with cli_unit_of_work():
        einvoice = settlement.settle(einvoice_id, taken=taken, reason=reason, scope=None, actor=ACTOR)
    click.echo(f"{einvoice.invoice_no} is {einvoice.status}; its provider status is {einvoice.provider_status}.")


@einvoices.command("test-provider")
def test_provider() -> None:
    """Test the connection of EINVOICE_PROVIDER_URL; what waits because of refused credentials is sent then."""
    with cli_unit_of_work():
        fault = lockouts.check_settings("http", actor=ACTOR)
    if fault is not None:
        raise click.ClickException(fault)
    click.echo("The provider answered.")


@einvoices.command("readiness")
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@click.option(
    "--profile", type=click.Choice([each.value for each in LegalProfile]), help="Default: those the seller chose."
)
def show_readiness(ids: tuple[int, ...], profile: str | None) -> None:
    """Say what is missing before the drafts with these IDs can be issued; exit code 1 if anything is."""
    wanted = LegalProfile(profile) if profile else None
    with cli_unit_of_work():
        found = {einvoice_id: readiness.check(einvoice_id, None, wanted) for einvoice_id in ids}
    for einvoice_id, each in found.items():
        lines = [f"{missing.field}: {missing.message}" for missing in each.missing]
        lines += [f"{conflict.code}: {conflict.message}" for conflict in each.conflicts]
        lines += [
            f"{finding.severity} {finding.profile} {finding.rule} {finding.field}: {finding.message} {finding.hint}"
            for finding in each.findings or ()
        ]
        click.echo("\n".join(f"{einvoice_id}  {line}" for line in lines or ["ready"]))
    if not all(each.ready for each in found.values()):
        sys.exit(1)


@einvoices.command("seller")
@click.argument("email")
@click.option("--name", help="Company name.")
@click.option("--tax-id", help="Tax number.")
@click.option("--tax-office", help="Tax office.")
@click.option("--address", help="Address.")
@click.option("--country", help="Two letters of ISO 3166-1; without --timezone its time zone is set too.")
@click.option("--timezone", help="For instance Europe/Istanbul; legal dates are days of it.")
@click.option("--prefix", help="Start of invoice numbers; users of one company need different ones.")
@click.option("--tax-scheme", type=click.Choice([each.value for each in TaxScheme]), help="What the tax number is.")
@click.option("--tax-rule", type=click.Choice([each.value for each in TaxRule]), help="How taxes are computed.")
@click.option("--payment-days", type=int, help="Days from the issue until the payment is due.")
@click.option(
    "--profile",
    "legal_profiles",
    multiple=True,
    type=click.Choice([each.value for each in LegalProfile]),
    help="Legal profile that each issue must be ready for; repeat it for several.",
)
@click.option("--no-profiles", is_flag=True, help="No legal profile any more.")
@click.option("--prices-include-vat/--prices-without-vat", default=None, help="The prices of sales invoices.")
def save_seller(email: str, no_profiles: bool, legal_profiles: tuple[str, ...], **facts: Any) -> None:
    """Change the seller profile of the user with this EMAIL; e-invoices print it from the next issue on."""
    with cli_unit_of_work():
        given = {name: value for name, value in facts.items() if value is not None}
        if legal_profiles or no_profiles:
            given["legal_profiles"] = list(legal_profiles) or None
        profile = sellers.save(users.get_user_by_email(email).id, actor=ACTOR, **given)
    click.echo(f"{profile.name}, tax number {profile.tax_id or 'missing'}, time zone {profile.timezone}")


@einvoices.command("link")
@click.argument("einvoice_id", metavar="ID", type=int)
@click.option("--days", type=click.IntRange(1, links.MAX_DAYS), help="Days until it expires; default: never.")
@click.option("--url", help="Address of the hub, for instance https://hub.example; default: PUBLIC_URL.")
def create_link(einvoice_id: int, days: int | None, url: str | None) -> None:
    """Create a public link to the PDF of the e-invoice with this ID; it is shown only once."""
    with cli_unit_of_work():
        new = links.create(einvoice_id, days=days, scope=None, actor=ACTOR)
    click.echo(f"Created link {new.link.id}.")
    path = f"{PUBLIC_PDFS}/{new.token}"
    address = public_url(path) if url is None else f"{url.rstrip('/')}{path}"
    click.echo(address)
    if address == path:
        click.echo("This is a path: PUBLIC_URL is not set, and no --url was given.", err=True)


@einvoices.command("links")
@click.argument("einvoice_id", metavar="ID", type=int)
def show_links(einvoice_id: int) -> None:
    """List the public links of the e-invoice with this ID, the newest first."""
    with cli_unit_of_work():
        found = links.list_links(lookup.find(einvoice_id, None, items=False))
    for each in found:
        state = "valid" if each.is_valid else "revoked" if each.revoked_at else "expired"
        ends = f"expires {each.expires_at.astimezone(UTC):%Y-%m-%d}" if each.expires_at else "does not expire"
        used = f"used {each.last_used_at.astimezone(UTC):%Y-%m-%d}" if each.last_used_at else "never used"
        click.echo(f"{each.id}  {state}  {ends}  {used}  by {each.created_by}")
    click.echo(f"{len(found)} links.")


@einvoices.command("revoke-link")
@click.argument("einvoice_id", metavar="ID", type=int)
@click.argument("link_id", metavar="LINK", type=int)
def revoke_link(einvoice_id: int, link_id: int) -> None:
    """Revoke the public LINK of the e-invoice with this ID."""
    with cli_unit_of_work():
        links.revoke(einvoice_id, link_id, scope=None, actor=ACTOR)
    click.echo(f"Link {link_id} opens nothing from now on.")
