"""Schemas of provider accounts: settings, answers, rotation, callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.einvoices.models.provider_accounts import (
    DEFAULT_CONCURRENCY,
    MAX_CONCURRENCY,
    MAX_RATE_PER_MINUTE,
    AccountState,
    Mode,
)
from app.einvoices.provider_accounts.status_words import DEFAULT_MAPPING
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.schemas.lists import Flag
from app.einvoices.schemas.provider_status import ProviderStatusSchema, require_providers_word
from app.einvoices.status import MAPPED_FROM, Status, word_key
from app.formats.legal_format import LegalFormat
from app.kernel.database.sequences import MAX_ID
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.outbound.allowances import MAX_ALLOWANCES, AllowanceSchema
from app.kernel.outbound.public_address import public_url
from app.kernel.outbound.ssrf import MAX_URL_LENGTH
from app.kernel.pagination.limits import MAX_PAGE_SIZE, PAGE_SIZE
from app.kernel.schemas import validators
from app.kernel.schemas.fields import (
    Choice,
    HubField,
    Identifier,
    Metadata,
    Number,
    Schema,
    Text,
    Timestamp,
    has_nul,
)
from app.kernel.schemas.list_field import List
from app.kernel.schemas.switch import Switch

MAX_WORDS, MAX_WORD_LENGTH, MAX_TOKEN_LENGTH, MAX_GRACE_HOURS = 100, 100, 4000, 24 * 7
#: What a word can stand for.
_TARGETS = tuple(status.value for status in MAPPED_FROM)


class WordMapping(HubField):
    """Words of the provider and what each means for the own status; ``"default"`` stands for the usual words."""

    default_error_messages = {
        "invalid": N_('Expected "default" or an object of words.'),
        "many": Message(N_("Ensure there are no more than %(n)s words."), n=MAX_WORDS),
        "word": Message(N_("A word has 1 to %(n)s characters."), n=MAX_WORD_LENGTH),
        "twice": N_("A word stands for one status; upper and lower case make no difference."),
        "target": Message(N_("A word stands for one of: %(choices)s."), choices=", ".join(_TARGETS)),
    }

    def __init__(self, **kwargs: Any) -> None:
        shape = {"type": ["string", "object"], "additionalProperties": {"type": "string", "enum": list(_TARGETS)}}
        kwargs["metadata"] = {**shape, "example": {"kabul": "accepted"}, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:
        if value == "default":
            return dict(DEFAULT_MAPPING)
        if not isinstance(value, Mapping):
            raise self.make_error("invalid")
        if len(value) > MAX_WORDS:
            raise self.make_error("many")
        words = {word_key(clean_identifier(word)): target for word, target in value.items()}
        if not all(0 < len(word) <= MAX_WORD_LENGTH for word in words) or has_nul(list(words)):
            raise self.make_error("word")
        for word in words:
            require_providers_word(word)
        if not all(target in _TARGETS for target in words.values()):
            raise self.make_error("target")
        if any(words[word_key(clean_identifier(word))] != target for word, target in value.items()):
            raise self.make_error("twice")
        return words


def _token_is_a_header(token: str | None) -> None:
    if token and not (token.isascii() and token.isprintable()):
        raise ValidationError(N_("Use printable ASCII characters."))


class _AccountSettings(Schema):
    """Settings that can be set at creation and changed later."""

    mode = Choice(
        *Mode,
        metadata={
            "description": "What it is used for; `live` by default. Each mode has a default account. An e-invoice that "
            "is issued for a `test` account is a test document: it has a number of a test series. Then the mode stays."
        },
    )
    url = Text(MAX_URL_LENGTH, metadata={"description": "Where e-invoices are sent; the adapter `http` needs it."})
    lookup_url = Text(MAX_URL_LENGTH, metadata={"description": "Where the provider tells whether it has an e-invoice."})
    token = Text(
        MAX_TOKEN_LENGTH,
        load_only=True,
        allow_none=True,
        validate=_token_is_a_header,
        metadata={"description": "Bearer token; stored encrypted and never shown.", "example": "k3Jq9vT2"},
    )
    mapping = WordMapping(
        allow_none=True,
        metadata={
            "description": 'Own status for each word of the provider; `"default"` maps accepted and rejected. Null: '
            "words leave the own status alone."
        },
    )
    document_format = Choice(
        *LegalFormat,
        allow_none=True,
        metadata={
            "description": "Legal format of the document that goes with each e-invoice; an issue and a sending are "
            "refused when it cannot be made. Null: the fields of the e-invoice go alone.",
            "example": "ubl-tr",
        },
    )
    concurrency = Number(
        1,
        MAX_CONCURRENCY,
        metadata={"description": f"Maximum number of simultaneous sendings; {DEFAULT_CONCURRENCY} by default."},
    )
    rate_per_minute = Number(
        1,
        MAX_RATE_PER_MINUTE,
        allow_none=True,
        metadata={"description": "Maximum number of sendings per minute; null means no limit."},
    )
    allowances = List(
        fields.Nested(AllowanceSchema),
        validate=validators.Length(max=MAX_ALLOWANCES),
        metadata={"description": "Set by signed-in admins only, not by tokens."},
    )
    is_default = Switch(metadata={"description": "Whether new drafts get it; one account of each mode is the default."})
    enabled = Switch()
    extra = Metadata(data_key="metadata", allow_none=True)


class ProviderAccountDraftSchema(_AccountSettings):
    """A new account."""

    name = Identifier(100, required=True, blank=False)
    adapter = Choice(*PROVIDER_NAMES, required=True)
    mode = Choice(*Mode, load_default=Mode.LIVE.value)


class ProviderAccountChangeSchema(_AccountSettings):
    """Changes to an account; fields that are not sent keep their values."""

    rules = {"minProperties": 1}

    name = Identifier(100, blank=False)
    adapter = Choice(*PROVIDER_NAMES)

    @validates_schema
    def _require_a_change(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data:
            raise ValidationError(N_("Nothing to change was sent."))


class _PublicAddress(fields.String):
    """A path of the hub, as the address for somebody outside."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return public_url(value)


class ProviderAccountSchema(Schema):
    """An account; its token and secret are never shown."""

    id = fields.Integer()
    user_id = fields.Integer(attribute="owner_id")
    name = fields.String()
    adapter = fields.String()
    mode = Choice(*Mode)
    state = Choice(*AccountState, metadata={"description": "Only a `ready` account sends."})
    url = fields.String()
    lookup_url = fields.String()
    has_token = fields.Boolean()
    callback_url = _PublicAddress(
        metadata={"description": "Where the provider reports; a path of the hub unless `PUBLIC_URL` is set."}
    )
    mapping = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    document_format = Choice(*LegalFormat, allow_none=True)
    concurrency = fields.Integer()
    rate_per_minute = fields.Integer(allow_none=True)
    allowances = List(fields.Nested(AllowanceSchema))
    is_default = fields.Boolean()
    enabled = fields.Boolean()
    tested_at = Timestamp(allow_none=True)
    test_passed = fields.Boolean(allow_none=True)
    test_message = fields.String(allow_none=True)
    previous_callback_secret_until = Timestamp(allow_none=True)
    extra = Metadata(data_key="metadata", allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()
    archived_at = Timestamp(allow_none=True)


class ProviderAccountSecretSchema(ProviderAccountSchema):
    """An account with its callback secret, which is shown only once."""

    callback_secret = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return super().get_attribute(obj if attr == "callback_secret" else obj.account, attr, default)


class ProviderAccountQuery(Schema):
    """Filter and page of the list of accounts."""

    mode = Choice(*Mode)
    archived = Flag(metadata={"description": "Whether archived accounts are listed too."})
    per_page = Number(1, MAX_PAGE_SIZE, load_default=PAGE_SIZE)
    cursor = Number(1, MAX_ID, metadata={"description": "`next_cursor` of the previous page."})


class ProviderAccountPageMetaSchema(Schema):
    """``next_cursor`` is null on the last page."""

    per_page = fields.Integer()
    next_cursor = fields.Integer(allow_none=True)


class ProviderAccountListSchema(Schema):
    """A page of accounts, newest first."""

    data = List(fields.Nested(ProviderAccountSchema))
    meta = fields.Nested(ProviderAccountPageMetaSchema)


class CallbackRotationSchema(Schema):
    """For how many hours callbacks with the old secret are accepted too."""

    grace_hours = Number(0, MAX_GRACE_HOURS, load_default=24)


class ProviderCallbackSchema(ProviderStatusSchema):
    """A provider's report; ``key``, ``invoice_no`` or ``provider_invoice_id`` names the e-invoice."""

    key = fields.UUID(metadata={"description": "`Idempotency-Key` of the sending."})
    invoice_no = Identifier(50, blank=False)


class ProviderCallbackAnswerSchema(Schema):
    """The e-invoice after the report."""

    einvoice_id = fields.Integer(attribute="einvoice.id")
    status = Choice(*Status, attribute="einvoice.status")
    provider_status = fields.String(attribute="einvoice.provider_status", allow_none=True)
    repeated = fields.Boolean(metadata={"description": "Its id was applied before, and nothing changed."})
