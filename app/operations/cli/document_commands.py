"""Commands of ``flask einvoices`` about documents in legal formats: write, check, and the official rules."""

from __future__ import annotations

import sys
from typing import IO

import click
from flask.cli import AppGroup

from app.einvoices.errors import UnreadableLegalDocument
from app.einvoices.legal import document_checks as checks
from app.einvoices.legal import rewritten_documents
from app.einvoices.official import check_queue, check_report
from app.einvoices.official.request_queue import COMMAND_LINE, OfficialAnswer
from app.formats.canonical import DOCUMENT_FORMATS, Format
from app.formats.targets.not_writable import NotWritable
from app.kernel.errors import Refusal
from app.operations.cli.accounts import cli_unit_of_work
from app.rules.document_check import Profile
from app.rules.official import xslt_processor

#: Seconds that a command waits for the worker of the official rules, which may have to compile them first.
_PATIENCE = 30.0


def add_to(group: AppGroup) -> None:
    """Add the commands to ``flask einvoices``."""
    for command in (write_file, check_file, recheck, show_official_report):
        group.add_command(command)


@click.command("write")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "target", required=True, type=click.Choice([each.value for each in DOCUMENT_FORMATS]))
def write_file(file: IO[bytes], target: str) -> None:
    """Write the invoice in FILE, a legal document or the JSON of its canonical form, in another format."""
    try:
        click.echo(rewritten_documents.rewrite(file.read(), Format(target)).content.decode(), nl=False)
    except UnreadableLegalDocument as error:
        raise click.ClickException(error.message) from error
    except NotWritable as error:
        raise click.ClickException("\n".join(f"{each.field}: {each.message}" for each in error.problems)) from error


@click.command("check")
@click.argument("file", type=click.File("rb"))
@click.option("--profile", type=click.Choice([each.value for each in Profile]), help="Default: what it names.")
@click.option("--official", is_flag=True, help="Ask the worker of the official rules too.")
def check_file(file: IO[bytes], profile: str | None, official: bool) -> None:
    """Check the invoice in FILE (UBL, CII, UBL-TR, INV-01, hybrid PDF) and its sums; exit code 1 if one is wrong."""
    content, wanted = file.read(), Profile(profile) if profile else None
    try:
        found = checks.full_check(content, wanted, owner=COMMAND_LINE, seconds=_PATIENCE if official else None)
        sums = checks.verdict(content).verdict
    except Refusal as error:
        raise click.ClickException(error.message) from error
    checked = found.own
    for rule in checked.findings:
        click.echo(f"{rule.severity}  {rule.rule}  {rule.path or rule.field or ''}  {rule.message}")
    for each in sums.findings:
        right = each.expected or "a number"
        click.echo(f"sum  {each.rule}  {each.field}  is {each.got or 'missing'}, should be {right}")
    click.echo(f"{checked.invoice.format} {checked.invoice.number or 'without a number'}: profile {checked.profile}")
    click.echo(f"{len(checked.findings)} findings of rules, {len(sums.findings)} of sums; {sums.rule or 'unknown'}")
    if found.official:
        _show_official(found.official)
    if not checked.is_valid or sums.findings or (found.official and found.official.is_valid is False):
        sys.exit(1)


def _show_official(answer: OfficialAnswer) -> None:
    if answer.opinion is None:
        raise click.ClickException(f"official rules: {answer.state}; {answer.error or 'repeat the command later'}")
    for each in answer.opinion["findings"]:
        click.echo(f"official {each['severity']}  {each['rule']}  {each['path'] or ''}  {each['message']}")
    sets = [f"{each['name']} {each['version']} {each['sha256']}" for each in answer.opinion["rule_sets"]]
    click.echo(f"{len(answer.opinion['findings'])} findings of official rules: {', '.join(sets) or 'no rule set'}")


@click.command("recheck")
@click.option("--all", "everything", is_flag=True, help="Also documents that were checked by the sets of now.")
def recheck(everything: bool) -> None:
    """Have documents checked by the official rules: those that were not yet, whose check failed, or by other sets."""
    count = check_queue.queue_outdated(failed=True, everything=everything)
    click.echo(f"{count} documents wait for the worker of the queue official.")
    if not xslt_processor.is_installed():
        raise click.ClickException(f"The package {xslt_processor.PACKAGE} is not installed: requirements-official.txt")


@click.command("official-report")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Faulty documents.")
def show_official_report(limit: int) -> None:
    """Say what the official rules find in written documents; exit code 1 if they find an error."""
    with cli_unit_of_work():
        numbers, faulty = check_report.count_by_format(), check_report.list_faulty(limit)
    for each in check_queue.current_sets().sets:
        click.echo(f"rules  {each.format}  {each.name} {each.version}  {each.sha256}")
    for row in numbers:
        rest = f"{row.without_set} without a rule set, {row.waiting} waiting, {row.failed} not checked"
        click.echo(f"{row.format}  {row.valid} valid, {row.faulty} faulty, {rest}")
    for found in faulty:
        news = "new  " if found.is_new else ""
        document = f"{found.einvoice_id}  {found.invoice_no}  {found.format} {found.version}"
        click.echo(f"{news}{document}  {', '.join(found.rule_sets)}: {', '.join(found.rules)}")
    if faulty:
        sys.exit(1)
