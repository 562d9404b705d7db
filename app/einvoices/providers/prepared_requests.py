"""Prepared requests: the e-invoice of a sending with the address and credentials of its account."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from flask import current_app

from app.einvoices.documents.written_documents import file_name
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers.contract import DocumentLost, LegalDocument, NotAsked, ProviderRejected, ProviderRequest
from app.einvoices.queries.lookup import find
from app.einvoices.schemas.einvoices import EinvoiceDetailSchema
from app.extensions import db
from app.kernel.messages import N_
from app.kernel.secret_box import DecryptionFailed, unseal
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files

log = structlog.get_logger(__name__)
#: What a provider gets: nothing that changes after the issue, so that every attempt under a key has the same content.
CONTENT = (
    *("id", "invoice_no", "type", "issued_at", "issued_on", "original_id", "corrects_id", "reason"),
    *("marketplace", "marketplace_order_no", "sales_invoice_no"),
    *("buyer", "items", "totals", "notes", "extra"),
)
#: Stands for an e-invoice in a connection test.
NO_DOCUMENT: Mapping[str, Any] = {"id": 0, "invoice_no": "CONNECTION-TEST", "metadata": None}
_LOST = N_("The legal document is missing or damaged in the store; it is written again.")
_UNREADABLE = N_("The legal document cannot be read from the store now.")
_document_schema = EinvoiceDetailSchema(only=CONTENT)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The legal document of a sending in the store."""

    path: str
    format: str
    media_type: str
    file_name: str
    sha256: str
    size: int

    def load(self) -> LegalDocument:
        """Read it; no transaction may be open.

        Raises:
            DocumentLost: its file is missing or damaged.
            NotAsked: the store does not answer, or refuses the hub.
        """
        try:
            content = files.read(self.path)
        except FileNotFoundError as error:
            raise DocumentLost(_LOST) from error
        except (OSError, StorageUnavailable) as error:
            log.warning("legal_document_unreadable", path=self.path, error=str(error))
            raise NotAsked(_UNREADABLE) from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise DocumentLost(_LOST)
        return LegalDocument(self.format, self.media_type, self.file_name, self.sha256, content)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request, the adapter that makes it, and why it cannot be made."""

    adapter: str
    request: ProviderRequest
    fault: str | None = None
    stored: StoredDocument | None = None

    def with_document(self) -> ProviderRequest:
        """The request of a sending, with the legal document if it has one; raises as ``StoredDocument.load``."""
        return self.request if self.stored is None else replace(self.request, legal_document=self.stored.load())

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
        account = db.session.get_one(ProviderAccount, sending.lane_id)
        return replace(prepare_for(account, document, str(sending.key)), stored=_stored(einvoice, sending.document_id))
    return prepare_for_settings(sending.provider, document, str(sending.key))


def _stored(einvoice: Einvoice, document_id: int | None) -> StoredDocument | None:
    if document_id is None:
        return None
    row = db.session.get_one(EinvoiceDocument, document_id)
    return StoredDocument(row.path, row.format, row.media_type, file_name(einvoice, row), row.sha256, row.size)


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
