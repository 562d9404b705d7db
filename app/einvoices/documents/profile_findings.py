"""Readiness of a draft for legal profiles: its form as the issue would make it, and what that lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.einvoices import sellers
from app.einvoices.content import item_taxes
from app.einvoices.documents.canonical_form import IssueFacts, build
from app.einvoices.documents.field_names import api_field
from app.einvoices.lifecycle import document_mode, numbering
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.status import Type
from app.extensions import db
from app.formats.canonical import Invoice
from app.formats.legal_format import LegalFormat
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding, Severity
from app.rules.profiles import LegalProfile
from app.rules.readiness.profile_gaps import find_gaps
from app.rules.readiness.rule_gaps import gap

#: The profiles that cover the documents of a format; the first is asked for if the seller chose none of them.
PROFILES_OF_FORMATS: Mapping[LegalFormat, tuple[LegalProfile, ...]] = {
    LegalFormat.UBL: (LegalProfile.EN16931, LegalProfile.PEPPOL),
    LegalFormat.CII: (LegalProfile.FACTUR_X, LegalProfile.EN16931),
    LegalFormat.FACTUR_X: (LegalProfile.FACTUR_X, LegalProfile.EN16931),
    LegalFormat.UBL_TR: (LegalProfile.UBL_TR,),
    LegalFormat.INV01: (LegalProfile.INV01,),
}


#: What a seller with a profile usually sends.
_FORMATS_OF_PROFILES: Mapping[LegalProfile, LegalFormat] = {
    LegalProfile.EN16931: LegalFormat.UBL,
    LegalProfile.PEPPOL: LegalFormat.UBL,
    LegalProfile.FACTUR_X: LegalFormat.FACTUR_X,
    LegalProfile.UBL_TR: LegalFormat.UBL_TR,
    LegalProfile.INV01: LegalFormat.INV01,
}


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


def required_profiles(seller: SellerProfile, einvoice: Einvoice) -> list[LegalProfile]:
    """The profiles that the issue of a draft must be ready for: those of the seller, and that of the provider account.

    An account that sends a legal document needs one that can be made, and the number must not be drawn in vain.
    """
    chosen = [LegalProfile(name) for name in seller.legal_profiles or ()]
    account = einvoice.provider_account
    if account is None or account.document_format is None:
        return chosen
    covering = PROFILES_OF_FORMATS[LegalFormat(account.document_format)]
    return chosen if set(covering) & set(chosen) else [*chosen, covering[0]]


def format_of(seller: SellerProfile) -> LegalFormat | None:
    """The legal format of the first profile that the seller chose; None if there is none."""
    return _FORMATS_OF_PROFILES[LegalProfile(seller.legal_profiles[0])] if seller.legal_profiles else None


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
    number = einvoice.official_no or numbering.next_number(seller, at, is_test=document_mode.will_be_test(einvoice))
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
