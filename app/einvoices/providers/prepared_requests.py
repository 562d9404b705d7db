"""Prepared requests: the e-invoice of a sending with the address and credentials of its account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest
from app.einvoices.queries.lookup import find
from app.einvoices.schemas.einvoices import EinvoiceDetailSchema
from app.extensions import db
from app.kernel.secret_box import DecryptionFailed, unseal

#: What a provider gets: nothing that changes after the issue, so that every attempt under a key has the same content.
CONTENT = (
    *("id", "invoice_no", "type", "issued_at", "issued_on", "original_id", "corrects_id", "reason"),
    *("marketplace", "marketplace_order_no", "sales_invoice_no"),
    *("buyer", "items", "totals", "notes", "extra"),
)
#: Stands for an e-invoice in a connection test.
NO_DOCUMENT: Mapping[str, Any] = {"id": 0, "invoice_no": "CONNECTION-TEST", "metadata": None}
_document_schema = EinvoiceDetailSchema(only=CONTENT)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request, the adapter that makes it, and why it cannot be made."""

    adapter: str
    request: ProviderRequest
    fault: str | None = None

    def require_possible(self) -> None:
        """Refuse a request that cannot be made.

        Raises:
            ProviderRejected: the credentials cannot be decrypted; another attempt may find them repaired.
        """
        if self.fault:
            raise ProviderRejected(self.fault, permanent=False, in_doubt=False)


def prepare(sending: EinvoiceSending) -> PreparedRequest:
    """Prepare the request of a sending: the e-invoice as it is, and the address of its account or of the settings."""
    einvoice = find(sending.einvoice_id, None)
    document = {**_document_schema.dump(einvoice), "seller": einvoice.seller}
    if sending.lane_id:
        return prepare_for(db.session.get_one(ProviderAccount, sending.lane_id), document, str(sending.key))
    return prepare_for_settings(sending.provider, document, str(sending.key))


def prepare_for_settings(adapter: str, document: Mapping[str, Any], key: str) -> PreparedRequest:
    """Prepare a request by the settings of the installation."""
    config = current_app.config
    request = ProviderRequest(
        document=document,
        key=key,
        url=config["EINVOICE_PROVIDER_URL"],
        token=config["EINVOICE_PROVIDER_TOKEN"],
        lookup_url=config["EINVOICE_PROVIDER_LOOKUP_URL"],
        ca_file=config["TRUSTED_CA_FILE"],
    )
    return PreparedRequest(adapter, request)


def prepare_for(account: ProviderAccount, document: Mapping[str, Any], key: str) -> PreparedRequest:
    """Prepare a request through an account."""
    token, fault = "", None
    try:
        token = unseal(account.token).decode() if account.token else ""
    except DecryptionFailed as error:
        fault = str(error)
    request = ProviderRequest(
        document=document,
        key=key,
        url=account.url,
        token=token,
        lookup_url=account.lookup_url,
        ca_file=current_app.config["TRUSTED_CA_FILE"],
        allowances=account.allowances,
    )
    return PreparedRequest(account.adapter, request, fault)
