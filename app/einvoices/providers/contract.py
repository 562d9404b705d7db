"""What the hub and the client of a provider exchange: request, response, failure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.config import MIB
from app.einvoices.status import Status
from app.kernel.outbound.ssrf import Allowances

#: Bytes of a legal document that is sent; the XML of 1,000 usual lines has 0.9 to 1.4 MB.
MAX_DOCUMENT_BYTES = 8 * MIB


@dataclass(frozen=True, slots=True)
class LegalDocument:
    """The e-invoice in the legal format of its account, as it is sent."""

    format: str
    media_type: str
    file_name: str
    #: In hexadecimal, of ``content``.
    sha256: str
    content: bytes = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """What it is, without its content."""
        names = ("format", "media_type", "file_name", "sha256")
        return {**{name: getattr(self, name) for name in names}, "size": len(self.content)}


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """An e-invoice to send or to look up: the document, its idempotency key, the provider's addresses and token."""

    document: Mapping[str, Any]
    key: str
    url: str
    token: str
    #: Address that tells whether the provider has an e-invoice; empty if the provider has none.
    lookup_url: str = ""
    #: Further certificate authorities that the installation trusts.
    ca_file: Path | None = None
    #: Of a seller's account: addresses that are not public must be among these. None: the operator set the addresses,
    #: and none is refused.
    allowances: Allowances | None = None
    #: None if the account has no format, and in look-ups.
    legal_document: LegalDocument | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What a sending says: the key, the e-invoice, and its legal document with the bytes in base64."""
        said: dict[str, Any] = {"key": self.key, "einvoice": self.document}
        if self.legal_document is not None:
            encoded = base64.b64encode(self.legal_document.content).decode()
            said["document"] = {**self.legal_document.facts, "content": encoded}
        return said


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """The immediate response of a provider.

    Attributes:
        callbacks: of the simulator: later reports, each with the seconds from now after which it arrives.
    """

    status: Status
    provider_status: str
    provider_invoice_id: str | None = None
    raw: Any = None
    callbacks: tuple[tuple[float, Mapping[str, Any]], ...] = field(default=())


class ProviderRejected(Exception):
    """The provider did not accept the request.

    Attributes:
        permanent: another attempt would fail in the same way.
        in_doubt: the provider may have stored the e-invoice although its response did not come.
        number_taken: the provider has the number under another key, so a look-up of the key cannot settle the doubt.
        refuses_credentials: the provider does not let the hub in, whatever is sent.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool,
        in_doubt: bool,
        number_taken: bool = False,
        refuses_credentials: bool = False,
    ) -> None:
        super().__init__(reason)
        self.permanent, self.in_doubt = permanent, in_doubt
        self.number_taken, self.refuses_credentials = number_taken, refuses_credentials


class NotAsked(ProviderRejected):
    """The provider was not asked, because the legal document could not be read from the store now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, permanent=False, in_doubt=False)


class DocumentLost(NotAsked):
    """The file of the legal document is missing or damaged, so that it has to be written again."""
