"""Errors of the e-invoice services, answered as 404 or 409."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from app.kernel.errors import Conflict, FieldErrors, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable
from app.kernel.http.error_handlers import CONSTRAINTS
from app.kernel.messages import N_, AnyOf, Code, Message
from app.kernel.worker.work_queue import WorkState

#: Seconds after which a pending PDF is usually there.
_PDF_SECONDS = 2
#: What the documentation shows: steps and their verbs, accounts by id.
_EXAMPLE_STEPS = MappingProxyType({"send": "sent", "cancel": "cancelled", "credit": "credited"})
_EXAMPLE_ACCOUNTS = MappingProxyType({8: "Second provider"})


def _verb(verb: str) -> Code:
    return Code(f"verb.{verb}", verb)


class UnknownEinvoice(NotFound):
    """No e-invoice has this id, or it belongs to another owner."""


class NoPdf(NotFound):
    """The e-invoice is a draft, or the file of its PDF is missing."""


class PdfNotReady(NotFound):
    """The PDF is not there: it is pending, or its creation has failed. A pending one is there after ``Retry-After``."""

    def __init__(self, state: str = WorkState.PENDING.value) -> None:
        self.state = state
        headers = {"Retry-After": str(_PDF_SECONDS)} if state == WorkState.PENDING else {}
        super().__init__(data={"state": state}, headers=headers)


class PreviewNotReady(PdfNotReady):
    """The preview of a draft is being made, or has failed; ``reason`` says why."""

    keeps_evidence = True  # the row that asks a worker for it
    optional_data: ClassVar[Mapping[str, Any]] = {"reason": "No font has these characters: U+E000."}

    def __init__(self, state: str = WorkState.PENDING.value, reason: str | None = None) -> None:
        super().__init__(state)
        self.data = {**(self.data or {}), **({"reason": reason} if reason else {})}


class NoLegalDocument(NotFound):
    """The e-invoice is a draft, or its personal data and documents were removed."""


class DocumentNotReady(NotFound):
    """The document is being made; it is there after ``Retry-After``. ``failed`` says that its print has failed."""

    keeps_evidence = True  # the canonical form that was made, and the message to a worker

    def __init__(self, state: str = WorkState.PENDING.value) -> None:
        headers = {"Retry-After": str(_PDF_SECONDS)} if state == WorkState.PENDING else {}
        super().__init__(data={"state": state}, headers=headers)


class DocumentNotWritable(Invalid):
    """The format cannot say what the e-invoice says; the errors name the fields of the canonical form."""

    message = N_("This format cannot say what the e-invoice says.")

    def __init__(self, errors: FieldErrors | None = None) -> None:
        super().__init__(errors or {"totals.prepaid": [N_("The format has no prepaid amount.")]})


class DocumentNotSendable(Invalid):
    """The provider account wants a legal document that the e-invoice is not ready for; the errors name the fields."""

    def __init__(self, wanted: str = "ubl-tr", errors: FieldErrors | None = None) -> None:
        text = N_("The provider account wants the document %(format)s, and this e-invoice is not ready for it.")
        example = {"buyer": {"postal_address": {"city": [N_("This field is required.")]}}}
        super().__init__(errors or example, message=Message(text, format=Code(wanted, wanted)))


class UnreadableLegalDocument(Unprocessable):
    """The body is no invoice in a legal format, or breaks a limit."""

    message = N_("The document cannot be read.")
    code = "UNREADABLE_DOCUMENT"


class UnknownLink(NotFound):
    """No valid public link has this token or id."""

    message = N_("The link is unknown, has expired or was revoked.")


class TooManyLinks(Conflict):
    message = N_("This e-invoice has as many public links as it may have; revoke one first.")
    code = "TOO_MANY_LINKS"


class WrongState(Conflict):
    """The status does not allow the step; ``steps`` are those that it allows."""

    code = "WRONG_STATE"

    def __init__(
        self, verb: str = "changed", status: str = "issued", possible: Mapping[str, str] = _EXAMPLE_STEPS
    ) -> None:
        text, values = N_("An e-invoice in status %(status)s cannot be %(verb)s."), {}
        if possible:
            text = N_("An e-invoice in status %(status)s cannot be %(verb)s. It can be %(possible)s.")
            values = {"possible": AnyOf(*(_verb(each) for each in possible.values()))}
        super().__init__(
            Message(text, status=Code(status), verb=_verb(verb), **values),
            data={"status": status, "steps": list(possible)},
        )


class ChangedAfterOpening(Conflict):
    """Somebody changed the draft after the caller had read it."""

    message = N_("The draft was changed after you opened it, so nothing was saved.")


class ChangedBeforeIssue(Conflict):
    """Somebody changed the draft after the caller had read it."""

    message = N_("Not issued: the draft was changed after you opened its page. Check it, and issue it again.")


class AlreadyCorrected(Conflict):
    message = N_("This e-invoice was rejected, and a correction took its place.")
    code = "ALREADY_CORRECTED"

    def __init__(self, corrected_by_id: int = 0) -> None:
        super().__init__(data={"corrected_by_id": corrected_by_id})


class CorrectedAccepted(Conflict):
    """The provider accepted the e-invoice that a correction took the place of; ``einvoice_id`` is its id."""

    message = N_(
        "The provider accepted the e-invoice that this one corrects after all. Cancel this one, or let the provider "
        "cancel the other one first."
    )
    code = "CORRECTED_ACCEPTED"

    def __init__(self, einvoice_id: int = 455) -> None:
        super().__init__(data={"einvoice_id": einvoice_id})


class Incomplete(Invalid):
    """Something is missing for a lawful document; the errors name all fields."""

    def __init__(self, errors: FieldErrors | None = None) -> None:
        super().__init__(errors or {"seller": {"tax_id": [N_("The tax number of the seller is missing.")]}})


class SaleInReview(Conflict):
    message = N_("The sales invoice is in review; billing corrects it first.")
    code = "SALE_IN_REVIEW"


class SaleChanged(Conflict):
    """The draft has the lines that the sales invoice had before billing corrected it."""

    message = N_(
        "The sales invoice was corrected after this draft got its lines. Change the lines, or cancel the draft and "
        "make it again from the sales invoice."
    )
    code = "SALE_CHANGED"


class AlreadyInvoiced(Conflict):
    """Somebody issued an e-invoice for the sales invoice; its id and number are for those who may see it."""

    message = N_("The sales invoice has an issued e-invoice already.")
    code = "ALREADY_INVOICED"
    optional_data: ClassVar[Mapping[str, Any]] = {"einvoice_id": 456, "invoice_no": "EA-2026-000456"}

    def __init__(self, einvoice_id: int | None = None, invoice_no: str | None = None) -> None:
        known = einvoice_id is not None
        super().__init__(data={"einvoice_id": einvoice_id, "invoice_no": invoice_no} if known else None)


class DuplicateOrder(Conflict):
    message = N_("This order of the marketplace has an e-invoice already; send allow_duplicate_order to make another.")
    code = "DUPLICATE_ORDER"

    def __init__(self, einvoice_id: int = 456) -> None:
        super().__init__(data={"einvoice_id": einvoice_id})


class SeriesTaken(Conflict):
    """Two users of one company would draw the same invoice numbers; each needs a prefix of its own."""

    message = N_("Another user has your tax number and the same prefix. Choose another prefix in the seller settings.")
    code = "SERIES_TAKEN"


class NotCreditable(Conflict):
    message = N_("Only a sale can be returned or credited.")
    code = "NOT_A_SALE"


class HasCredits(Conflict):
    message = N_("Returns or credit notes exist for this e-invoice; cancel those first.")
    code = "HAS_CREDITS"


class InDoubt(Conflict):
    message = N_(
        "Nobody knows whether the provider has this e-invoice, because it gave no clear answer. Send it again, or "
        "settle the doubt first."
    )
    code = "IN_DOUBT"


class NotInDoubt(Conflict):
    message = N_("The sending of this e-invoice is not in doubt.")
    code = "NOT_IN_DOUBT"


class AlreadySending(Conflict):
    message = N_("This e-invoice is already on its way to the provider.")
    code = "ALREADY_SENDING"


class UnknownAccount(NotFound):
    """No provider account has this id, or it belongs to another owner, or it is archived."""


class AccountNotReady(Conflict):
    """Nothing is sent through an account that is untested, disabled or archived; ``state`` says which.

    ``account_ids`` are the ready accounts that can be chosen instead.
    """

    code = "ACCOUNT_NOT_READY"

    def __init__(self, state: str = "untested", others: Mapping[int, str] = _EXAMPLE_ACCOUNTS) -> None:
        shown = Code(f"account.{state}", state)
        message = Message(N_("The provider account of this e-invoice is not ready (%(state)s)."), state=shown)
        if others:
            text = N_("The provider account of this e-invoice is not ready (%(state)s). Name another one: %(names)s.")
            message = Message(text, state=shown, names=", ".join(others.values()))
        super().__init__(message, data={"state": state, "account_ids": list(others)})


class AccountInDoubt(Conflict):
    """The provider may have e-invoices whose sending has no answer; another address would be asked for them."""

    message = N_(
        "The provider of this account may have e-invoices whose sending is in doubt. Settle these doubts before you "
        "change the adapter or an address, or create another account."
    )
    code = "ACCOUNT_IN_DOUBT"

    def __init__(self, einvoice_ids: Sequence[int] = (456,)) -> None:
        super().__init__(data={"einvoice_ids": list(einvoice_ids)})


class AccountHasDocuments(Conflict):
    """Test documents have numbers of their own, so an account with documents keeps its mode."""

    message = N_("E-invoices were issued for this account, so its mode stays. Create another account.")
    code = "ACCOUNT_HAS_DOCUMENTS"


class AccountNameTaken(Conflict):
    message = N_("Another provider account has this name.")
    code = "ACCOUNT_NAME_TAKEN"


class AccountInTest(Conflict):
    message = N_("The connection of this provider account is being tested at this moment; wait for the result.")
    code = "ACCOUNT_IN_TEST"


class TooManyAccounts(Conflict):
    message = N_("This user has as many provider accounts as it may have; delete one first.")
    code = "TOO_MANY_ACCOUNTS"


class AllowancesNotYours(Forbidden):
    message = N_("Only a signed-in admin may allow addresses.")
    code = "ADMIN_ONLY"


class WrongSignature(Unauthenticated):
    """The account does not exist, or the callback is not signed with its secret, or is too old."""


CONSTRAINTS["ix_provider_accounts_name"] = AccountNameTaken
CONSTRAINTS["fk_e_invoices_provider_account_id_provider_accounts"] = UnknownAccount
CONSTRAINTS["ix_e_invoice_sendings_open"] = AlreadySending
