"""Form of a provider account, and its conversion to the data of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, IntegerField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.admin.forms.base import Form, choices
from app.admin.forms.lines import allowances_of, lines_of, text_of_allowances
from app.admin.i18n.labels import LABELS
from app.einvoices.models.provider_accounts import (
    DEFAULT_CONCURRENCY,
    MAX_CONCURRENCY,
    MAX_RATE_PER_MINUTE,
    Mode,
    ProviderAccount,
)
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.schemas.provider_accounts import MAX_TOKEN_LENGTH
from app.formats.legal_format import LegalFormat
from app.kernel.outbound.ssrf import MAX_URL_LENGTH

_PLAIN = ("name", "adapter", "mode", "url", "lookup_url", "concurrency", "rate_per_minute", "is_default", "enabled")
_DEFAULT_WORDS = "accepted = accepted\nrejected = rejected"


def _labelled(kind: str, names: Sequence[str]) -> list[Any]:
    prefix = f"{kind}." if kind else ""
    return choices({str(name): LABELS[f"{prefix}{name}"][0] for name in names})


class ProviderAccountForm(Form):
    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=100)])
    adapter = SelectField(lazy_gettext("Adapter"), choices=lambda: _labelled("provider", PROVIDER_NAMES))
    mode = SelectField(lazy_gettext("Mode"), choices=lambda: _labelled("mode", tuple(Mode)))
    url = StringField(
        lazy_gettext("Address to send to"),
        [Length(max=MAX_URL_LENGTH)],
        description=lazy_gettext("It must begin with https://. The adapter HTTP needs it."),
    )
    lookup_url = StringField(
        lazy_gettext("Address of the look-up"),
        [Length(max=MAX_URL_LENGTH)],
        description=lazy_gettext("Here the provider tells whether it has an e-invoice."),
    )
    token = PasswordField(
        lazy_gettext("Token of the provider"),
        [Length(max=MAX_TOKEN_LENGTH)],
        description=lazy_gettext("It is stored encrypted and never shown. Empty: the stored token stays."),
    )
    words = TextAreaField(
        lazy_gettext("Words of the provider"),
        default=_DEFAULT_WORDS,
        description=lazy_gettext(
            "One per line: word = accepted, or word = rejected. Empty: words leave the status of the e-invoice alone."
        ),
    )
    document_format = SelectField(
        lazy_gettext("Legal document"),
        choices=lambda: [("", gettext("None: the fields of the e-invoice alone")), *_labelled("", tuple(LegalFormat))],
        description=lazy_gettext(
            "It goes with each e-invoice. An issue and a sending are refused when it cannot be made."
        ),
    )
    concurrency = IntegerField(
        lazy_gettext("Parallel requests"),
        [InputRequired(), NumberRange(1, MAX_CONCURRENCY)],
        default=DEFAULT_CONCURRENCY,
    )
    rate_per_minute = IntegerField(
        lazy_gettext("Requests per minute"),
        [Optional(), NumberRange(1, MAX_RATE_PER_MINUTE)],
        description=lazy_gettext("Empty: no limit."),
    )
    allowances = TextAreaField(
        lazy_gettext("Allowed networks"),
        description=lazy_gettext(
            "One per line: network and port, for example 10.1.2.0/24 8080. Plain http is allowed there."
        ),
    )
    is_default = BooleanField(lazy_gettext("Default for new drafts"))
    enabled = BooleanField(lazy_gettext("Enabled"), default=True)

    @classmethod
    def from_account(cls, account: ProviderAccount) -> ProviderAccountForm:
        """Form with the stored values; the token is secret and not shown."""
        words = "\n".join(f"{word} = {target}" for word, target in (account.mapping or {}).items())
        allowed, plain = text_of_allowances(account.allowances), {name: getattr(account, name) for name in _PLAIN}
        wanted = account.document_format or ""
        return cls(formdata=None, words=words, allowances=allowed, document_format=wanted, **plain)

    def api_data(self, *, may_allow: bool) -> dict[str, Any]:
        """The typed values in the format of the API's request body."""
        data: dict[str, Any] = {name: self[name].data for name in _PLAIN}
        data |= {name: (data[name] or "").strip() for name in ("url", "lookup_url")}
        pairs = [line.rpartition("=") for line in lines_of(self.words.data)]
        data["document_format"] = self.document_format.data or None
        data["mapping"] = {word.strip(): target.strip() for word, _, target in pairs} or None
        if self.token.data:
            data["token"] = self.token.data
        if may_allow:
            data["allowances"] = allowances_of(self.allowances.data)
        return data
