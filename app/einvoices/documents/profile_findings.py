"""Readiness of a draft for legal profiles: its form as the issue would make it, and what that lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.einvoices import sellers
from app.einvoices.content import item_taxes
from app.einvoices.documents.canonical_form import IssueFacts, build
from app.einvoices.documents.field_names import api_field
from app.einvoices.lifecycle import numbering
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.status import Type
from app.extensions import db
from app.formats.canonical import Invoice
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding, Severity
from app.rules.profiles import LegalProfile
from app.rules.readiness.profile_gaps import find_gaps
from app.rules.readiness.rule_gaps import gap


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFinding:
    """What a rule of a profile says against a draft; ``field`` is a path of the API."""

    profile: str
    rule: str
    severity: Severity
    field: str
    message: str
    terms: tuple[str, ...]
    path: str | None
    hint: str

    @property
    def is_obstacle(self) -> bool:
        return self.severity is Severity.ERROR


def chosen_profiles(seller: SellerProfile) -> list[LegalProfile]:
    """The profiles that each issue of a seller must be ready for."""
    return [LegalProfile(name) for name in seller.legal_profiles or ()]


def findings_of(einvoice: Einvoice, seller: SellerProfile, profiles: Iterable[LegalProfile]) -> list[ProfileFinding]:
    """What a draft, whose items are loaded, lacks for some profiles. Nothing is stored, and no number is drawn."""
    wanted = list(profiles)
    if not wanted:
        return []
    form, stale = draft_form(einvoice, seller), _stale_taxes(einvoice, seller)
    return [_finding(profile, each) for profile in wanted for each in (*stale, *find_gaps(form, profile))]


def draft_form(einvoice: Einvoice, seller: SellerProfile, moment: datetime | None = None) -> Invoice:
    """The canonical form of a draft as the issue would make it at a moment, by default now."""
    at = moment or clock.now()
    original = None if einvoice.original_id is None else db.session.get_one(Einvoice, einvoice.original_id)
    today = at.astimezone(sellers.parse_timezone(seller.timezone)).date()
    number = einvoice.official_no or numbering.next_number(seller, at)
    due = due_date(einvoice, seller, today)
    return build(einvoice, IssueFacts(number, at, sellers.snapshot(seller), due), original)


def due_date(einvoice: Einvoice, seller: SellerProfile, issued_on: date) -> date | None:
    """When the payment is due: as the draft says, else by the payment days of the seller unless it has other terms."""
    says_terms = bool((einvoice.legal or {}).get("payment_terms"))
    if einvoice.due_date or says_terms or einvoice.type != Type.SALE or seller.payment_days is None:
        return einvoice.due_date
    return issued_on + timedelta(days=seller.payment_days)


def obstacles(findings: Sequence[ProfileFinding]) -> dict[str, list[str]]:
    """The texts of the findings that an issue is refused for, by field; each text once."""
    errors: dict[str, list[str]] = {}
    for each in findings:
        texts = errors.setdefault(each.field, []) if each.is_obstacle else []
        if each.message not in texts:
            texts.append(each.message)
    return errors


def _stale_taxes(einvoice: Einvoice, seller: SellerProfile) -> list[RuleFinding]:
    """The seller may have changed the tax rule, or the own state, after the amounts were computed."""
    if einvoice.type != Type.SALE or item_taxes.mode_of(seller, einvoice) == item_taxes.stored_mode(einvoice):
        return []
    text = N_("The taxes were computed by another rule than the one of the seller now.")
    return [gap("TAX-RULE", "lines", text, hint=N_("Save the draft again, and check its amounts."))]


def _finding(profile: LegalProfile, each: RuleFinding) -> ProfileFinding:
    field = api_field(each.field or "")
    return ProfileFinding(
        profile=profile.value,
        rule=each.rule,
        severity=each.severity,
        field=field,
        message=each.message,
        terms=each.terms,
        path=each.path,
        hint=each.hint or Message(N_("Complete or correct %(field)s."), field=field),
    )
