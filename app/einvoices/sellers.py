"""Seller profiles: read with defaults, save with validation, snapshot for an issued e-invoice, logo."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.accounts import audit
from app.accounts.models.accounts import User
from app.config import KIB
from app.einvoices.content import draft_facts
from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.legal_fields import SELLER_FACTS, TaxRule
from app.einvoices.models.sellers import COMPARED_TAX_ID, SellerLogo, SellerProfile
from app.einvoices.models.series import looks_like_test
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.extensions import db
from app.formats.countries import DEFAULT_COUNTRY, TIMEZONES
from app.formats.tax_numbers import TaxScheme, fault_of
from app.kernel import clock, time_zones
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.languages import LANGUAGES
from app.rules.profiles import LegalProfile

MAX_LOGO_BYTES = 256 * KIB
_DEFAULTS: Mapping[str, Any] = {
    "language": "tr",
    "currency": "TRY",
    "country": DEFAULT_COUNTRY,
    "timezone": TIMEZONES[DEFAULT_COUNTRY],
    "prefix": "EA",
    "default_vat_rate": Decimal(20),
    "prices_include_vat": False,
    "provider": "null",
    "tax_rule": TaxRule.PER_RATE.value,
}
#: Fields of legal formats that may be null.
_LEGAL = ("tax_scheme", "legal_profiles", "payment_days")
MAX_PAYMENT_DAYS = 3650
#: In India the financial year begins in April.
_APRIL = 4
_TEXTS = ("tax_id", "tax_office", "address", "email", "phone", "website", "bank", "footer")
#: Fields that the PDF prints; the other fields are defaults for new drafts.
_PRINTED = ("name", *_TEXTS, "language", "timezone", "logo_sha256")
#: A change of one of these may make two users number the e-invoices of one company alike.
_NUMBERING = frozenset({"tax_id", "prefix", "country", "legal_profiles"})
#: Tax numbers are compared within one country if both sellers said theirs.
_SHARED_SERIES = text(
    f"""
    SELECT EXISTS (
        SELECT FROM seller_profiles p
        WHERE p.owner_id <> :owner_id AND {COMPARED_TAX_ID} = :tax_id
          AND coalesce(p.country, :country) IS NOT DISTINCT FROM coalesce(:country, p.country)
          AND (p.prefix = :prefix OR EXISTS (
            SELECT FROM e_invoice_series s WHERE s.owner_id = p.owner_id AND s.prefix = :prefix AND s.year = :year))
    )
    """  # noqa: S608 - only an expression of a column is put in
)
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def profile_of(owner_id: int) -> SellerProfile:
    """The profile of an owner; without a stored profile, a new one with the user's name and the defaults."""
    stored: SellerProfile | None = db.session.get(SellerProfile, owner_id)
    if stored is not None:
        return stored
    owner = db.session.get_one(User, owner_id)
    return SellerProfile(owner_id=owner_id, name=owner.name, **_DEFAULTS, **dict.fromkeys(_TEXTS, ""))


def has_profile(owner_id: int) -> bool:
    """Whether an owner has a stored profile."""
    return db.session.get(SellerProfile, owner_id) is not None


def save(owner_id: int, *, actor: str, **facts: Any) -> SellerProfile:
    """Change the given fields and keep the others; a country without a time zone (or a blank one) brings its own.

    Raises:
        Invalid: the errors by field.
    """
    profile = profile_of(owner_id)
    country = facts.get("country") or profile.country or ""
    follows_country = facts["timezone"] == "" if "timezone" in facts else "country" in facts
    if follows_country and country in TIMEZONES:
        facts["timezone"] = TIMEZONES[country]
    unknown = facts.keys() - {"name", *_TEXTS, *_DEFAULTS, *_LEGAL, *SELLER_FACTS}
    faults = {name: [N_("Unknown field.")] for name in unknown} | dict(_find_faults(facts))
    if faults:
        raise Invalid(faults)
    said = {name: facts.pop(name) for name in SELLER_FACTS if name in facts}
    if said:
        facts["legal"] = draft_facts.merged(profile.legal, said)
    _require_tax_number(profile, facts)
    if facts.get("prefix", profile.prefix) != profile.prefix and looks_like_test(facts["prefix"]):
        raise Invalid({"prefix": [N_("The numbers of test documents begin like this. Choose another prefix.")]})
    changed = audit.changes(audit.state_of(profile, facts), facts)
    for name, value in facts.items():
        setattr(profile, name, value)
    if _NUMBERING & changed.keys():
        # Two users who save at the same time do not see each other's change.
        db.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('series of sellers', 0))"))
        if shares_series(profile):
            raise Invalid({"prefix": [N_("Another user has this prefix with your tax number. Choose another one.")]})
    db.session.add(profile)
    db.session.flush()
    if changed:
        audit.record("seller.changed", actor=actor, subject=f"user:{owner_id}", changed=changed)
    return profile


def shares_series(profile: SellerProfile) -> bool:
    """Whether another user of the same company has the prefix, or has numbers with it of this year."""
    tax_id = "".join(filter(str.isalnum, profile.tax_id)).upper()
    year = series_year(profile, clock.now())
    values = {"owner_id": profile.owner_id, "tax_id": tax_id, "country": profile.country}
    with db.session.no_autoflush:  # the profile may be refused
        found = db.session.scalar(_SHARED_SERIES, {**values, "prefix": profile.prefix, "year": year})
    return bool(tax_id and found)


def emails_with_test_prefix() -> Sequence[str]:
    """The users whose legal numbers look like those of test documents; such a prefix is refused now."""
    query = select(SellerProfile.prefix, User.email).join(User, User.id == SellerProfile.owner_id).order_by(User.email)
    return [row.email for row in db.session.execute(query) if looks_like_test(row.prefix)]


def series_year(profile: SellerProfile, moment: datetime) -> int:
    """The year of the series: that of the seller's day; for INV-01 the one in which the financial year began."""
    local = moment.astimezone(parse_timezone(profile.timezone))
    return local.year - (is_indian(profile) and local.month < _APRIL)


def is_indian(profile: SellerProfile) -> bool:
    """Whether the numbers of the seller have the form that INV-01 wants."""
    return profile.country == "IN" and LegalProfile.INV01 in (profile.legal_profiles or ())


def save_logo(owner_id: int, content: bytes | None, *, actor: str) -> SellerProfile:
    """Set the logo (PNG or JPEG) of e-invoices that are issued from now on; None removes it.

    Raises:
        Invalid: the content is not PNG or JPEG, or is too large.
    """
    profile = profile_of(owner_id)
    before, profile.logo_sha256 = profile.logo_sha256, None if content is None else _store_logo(content)
    db.session.add(profile)
    db.session.flush()
    if profile.logo_sha256 != before:
        changed = {"logo": [before, profile.logo_sha256]}
        audit.record("seller.changed", actor=actor, subject=f"user:{owner_id}", changed=changed)
    return profile


def logo_of(owner_id: int) -> SellerLogo | None:
    """The current logo of an owner."""
    digest = profile_of(owner_id).logo_sha256
    found: SellerLogo | None = db.session.get(SellerLogo, digest) if digest else None
    return found


def snapshot(profile: SellerProfile) -> dict[str, Any]:
    """The printed fields of a profile, to store with an e-invoice at issue; later changes do not affect them."""
    printed = {name: getattr(profile, name) for name in _PRINTED}
    return {**printed, "legal": {**(profile.legal or {}), **_said(profile)}}


def _said(profile: SellerProfile) -> dict[str, Any]:
    """What legal documents say of the seller besides the printed fields."""
    names = ("country", "tax_scheme", "tax_rule", "payment_days")
    return {name: value for name in names if (value := getattr(profile, name)) is not None}


def _require_tax_number(profile: SellerProfile, facts: Mapping[str, Any]) -> None:
    """Refuse a tax number that does not fit its scheme.

    Raises:
        Invalid: the form or a check digit is wrong.
    """
    scheme, number = facts.get("tax_scheme", profile.tax_scheme), facts.get("tax_id", profile.tax_id)
    if {"tax_scheme", "tax_id"} & facts.keys() and (fault := fault_of(scheme, number)):
        raise Invalid({"tax_id": [fault]})


def parse_timezone(name: str) -> ZoneInfo:
    """The time zone with a name (``Europe/Istanbul``).

    Raises:
        Invalid: no time zone has this name.
    """
    zone = time_zones.find(name)
    if zone is None:
        raise Invalid({"timezone": [time_zones.NO_TIME_ZONE]})
    return zone


def _find_faults(facts: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    columns = SellerProfile.__table__.columns
    for name, value in facts.items():
        limit = getattr(columns[name].type, "length", None) if name in columns else None
        if limit and name not in _LEGAL and (not isinstance(value, str) or len(value) > limit or "\0" in value):
            yield name, [Message(N_("Expected a text of at most %(limit)s characters."), limit=limit)]
    if "name" in facts and not str(facts["name"]).strip():
        yield "name", [N_("This field may not be blank.")]
    if not re.fullmatch(r"[A-Z0-9]{1,10}", str(facts.get("prefix", "EA"))):
        yield "prefix", [N_("Use 1 to 10 capital letters A to Z and digits.")]
    for name, choices in (
        ("language", tuple(reversed(LANGUAGES))),
        ("currency", CURRENCIES),
        ("country", sorted(TIMEZONES)),
        ("provider", PROVIDER_NAMES),
        ("tax_rule", [each.value for each in TaxRule]),
        ("tax_scheme", [None, *(each.value for each in TaxScheme)]),
    ):
        if name in facts and facts[name] not in choices:
            yield name, [Message(N_("Must be one of: %(choices)s."), choices=", ".join(filter(None, choices)))]
    rate = facts.get("default_vat_rate", Decimal(0))
    if not isinstance(rate, Decimal) or not 0 <= rate <= 100 or rate != round(rate, 2):  # noqa: PLR2004
        yield "default_vat_rate", [N_("Expected a percentage from 0 to 100 with at most 2 decimals.")]
    yield from _find_legal_faults(facts)
    if not isinstance(facts.get("prices_include_vat", False), bool):
        yield "prices_include_vat", [N_("Not a valid boolean.")]
    try:
        parse_timezone(str(facts.get("timezone", "UTC")))
    except Invalid as fault:
        yield from (fault.errors or {}).items()


def _find_legal_faults(facts: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    profiles = facts.get("legal_profiles") or []
    if not isinstance(profiles, list) or not {*profiles} <= {each.value for each in LegalProfile}:
        text = Message(N_("Must be one of: %(choices)s."), choices=", ".join(LegalProfile))
        yield "legal_profiles", [text]
    days = facts.get("payment_days")
    if days is not None and not (isinstance(days, int) and 0 <= days <= MAX_PAYMENT_DAYS):
        yield "payment_days", [Message(N_("Send a whole number of days from 0 to %(max)s."), max=MAX_PAYMENT_DAYS)]


def _store_logo(content: bytes) -> str:
    media_type = next((kind for start, kind in _SIGNATURES.items() if content.startswith(start)), None)
    if media_type is None or len(content) > MAX_LOGO_BYTES:
        raise Invalid({"logo": [N_("Expected a PNG or JPEG of at most 256 KiB.")]})
    digest = hashlib.sha256(content).hexdigest()
    values = {"sha256": digest, "media_type": media_type, "content": content}
    db.session.execute(insert(SellerLogo).values(values).on_conflict_do_nothing())
    return digest
