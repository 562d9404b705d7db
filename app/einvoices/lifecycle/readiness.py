"""Readiness of a draft: what is missing for a lawful document, and what stands in the way of its issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.accounts.models.accounts import User
from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.documents.field_names import nested
from app.einvoices.documents.profile_findings import ProfileFinding, findings_of, obstacles, required_profiles
from app.einvoices.errors import Incomplete, SeriesTaken
from app.einvoices.lifecycle import allowed_steps, exclusivity
from app.einvoices.models.einvoices import BUYER_TEXTS, Einvoice
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.queries.lookup import find
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel.errors import Conflict
from app.kernel.messages import N_
from app.rules.profiles import LegalProfile

#: The tax number that marketplaces of Türkiye send for a consumer who gave none.
CONSUMER_TAX_ID = "11111111111"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A value that a document must have: the field, the text that it is missing, and the check."""

    field: str
    message: str
    is_met: Callable[[SellerProfile, Einvoice], bool]


@dataclass(frozen=True, slots=True)
class Missing:
    """A requirement of a profile that a draft does not meet."""

    field: str
    message: str
    profile: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a draft can be issued: what is missing, the refusals besides that, and what legal profiles say.

    ``findings`` is None if the seller chose no profile and none was asked for.
    """

    missing: Sequence[Missing]
    conflicts: Sequence[Conflict]
    findings: Sequence[ProfileFinding] | None = None

    @property
    def ready(self) -> bool:
        return not self.missing and not self.conflicts and not any(each.is_obstacle for each in self.findings or ())


def is_business(einvoice: Einvoice) -> bool:
    """Whether the buyer is a company: as the draft says, else when the buyer has a tax office."""
    if einvoice.buyer_is_business is not None:
        return einvoice.buyer_is_business
    return bool(einvoice.buyer_tax_office.strip())


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def is_tax_id(text: str) -> bool:
    """Whether a text can be a tax number: it has a letter or a digit besides 0."""
    return any(each.isalnum() and each != "0" for each in text)


def _filled(field: str, message: str, is_filled: Callable[[str], bool] = _has_words) -> Requirement:
    """The requirement that a text says something."""
    side, _, name = field.partition(".")

    def is_met(seller: SellerProfile, einvoice: Einvoice) -> bool:
        text: str = getattr(seller, name) if side == "seller" else getattr(einvoice, f"buyer_{name}")
        return is_filled(text)

    return Requirement(field, message, is_met)


def _has_tax_id(_seller: SellerProfile, einvoice: Einvoice) -> bool:
    return not is_business(einvoice) or (is_tax_id(einvoice.buyer_tax_id) and einvoice.buyer_tax_id != CONSUMER_TAX_ID)


def _has_address(_seller: SellerProfile, einvoice: Einvoice) -> bool:
    return not is_business(einvoice) or _has_words(einvoice.buyer_address)


#: Legal profile -> its requirements. Currency and VAT rates are required by the tables. A country's profile is a
#: further entry; ``basic`` is what invoices need everywhere.
PROFILES: Mapping[str, Sequence[Requirement]] = {
    "basic": (
        _filled("seller.name", N_("The name of the seller is missing.")),
        _filled("seller.tax_id", N_("The tax number of the seller is missing."), is_tax_id),
        _filled("seller.address", N_("The address of the seller is missing.")),
        _filled("buyer.name", N_("The name of the buyer is missing.")),
        Requirement("buyer.tax_id", N_("The buyer is a company, and its tax number is missing."), _has_tax_id),
        Requirement("buyer.address", N_("The buyer is a company, and its address is missing."), _has_address),
    )
}


def find_missing(seller: SellerProfile, einvoice: Einvoice, profiles: Sequence[str] = ("basic",)) -> list[Missing]:
    """What is missing for a document of the profiles.

    A return or credit note follows its original: what the original lacks of the buyer is not asked for.
    """
    missing = [
        Missing(each.field, each.message, profile)
        for profile in profiles
        for each in PROFILES[profile]
        if not each.is_met(seller, einvoice)
    ]
    if not missing or einvoice.type == Type.SALE:
        return missing
    original = db.session.get_one(Einvoice, einvoice.original_id)
    lacking = {each.field for profile in profiles for each in PROFILES[profile] if not each.is_met(seller, original)}
    return [each for each in missing if each.field.startswith("seller.") or each.field not in lacking]


def find_missing_of_seller(seller: SellerProfile) -> list[Missing]:
    """What the seller lacks for any document."""
    empty = Einvoice(type=Type.SALE.value, **{f"buyer_{name}": "" for name in BUYER_TEXTS})
    return [each for each in find_missing(seller, empty) if each.field.startswith("seller.")]


def owners_without_seller_data(scope: Scope) -> list[int]:
    """The users within ``scope`` whose drafts lack data of the seller."""
    drafts = select(Einvoice.id).where(Einvoice.owner_id == User.id, Einvoice.status == Status.DRAFT)
    query = select(User.id).where(drafts.exists())
    ids = db.session.scalars(query if scope is None else query.where(User.id == scope)).all()
    return [owner_id for owner_id in ids if find_missing_of_seller(sellers.profile_of(owner_id))]


def require_complete(seller: SellerProfile, einvoice: Einvoice) -> None:
    """Refuse a draft that lacks something, also for the profiles that the seller chose, and the provider account needs.

    Raises:
        Incomplete: the errors of all fields.
    """
    errors = {each.field: [each.message] for each in find_missing(seller, einvoice)}
    for field, texts in obstacles(findings_of(einvoice, seller, required_profiles(seller, einvoice))).items():
        errors.setdefault(field, []).extend(texts)
    if errors:
        raise Incomplete(nested(errors))


def require_own_series(seller: SellerProfile) -> None:
    """Refuse to number e-invoices as another user of the same company does.

    Raises:
        SeriesTaken: another user has the tax number and the prefix.
    """
    if sellers.shares_series(seller):
        raise SeriesTaken


def check(einvoice_id: int, scope: Scope, profile: LegalProfile | None = None) -> Readiness:
    """Whether a draft can be issued, without issuing it; with ``profile``, whether for that document.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice is not a draft.
    """
    einvoice = find(einvoice_id, scope)
    allowed_steps.require("issue", einvoice)
    return of_draft(einvoice, scope, profile)


def of_draft(einvoice: Einvoice, scope: Scope, wanted: LegalProfile | None = None) -> Readiness:
    """The readiness of a draft that is loaded with its items already."""
    profile = sellers.profile_of(einvoice.owner_id)
    missing = find_missing(profile, einvoice)
    profiles = required_profiles(profile, einvoice) if wanted is None else [wanted]
    findings = findings_of(einvoice, profile, profiles) if profiles else None
    conflicts: list[Conflict] = []
    try:
        require_own_series(profile)
        exclusivity.require_still_rejected(einvoice)
        if einvoice.sales_invoice_no:
            exclusivity.require_free_sale(einvoice.sales_invoice_no, einvoice, scope, lock=False)
            exclusivity.require_current_lines(einvoice)
        exclusivity.require_free_order(einvoice, issued_only=True)
    except Conflict as conflict:
        conflicts.append(conflict)
    return Readiness(missing, conflicts, findings)
