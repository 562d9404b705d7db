"""A day at a hub, by the client that openapi-python-client generates. Arguments: address, API key, token."""

from __future__ import annotations

import datetime
import sys

from hub import AuthenticatedClient
from hub.api.e_invoices import (
    get_v1_einvoices_einvoice_id,
    post_v1_einvoices,
    post_v1_einvoices_einvoice_id_issue,
    post_v1_einvoices_einvoice_id_provider_status,
)
from hub.api.fabrics import post_fabrics
from hub.api.goods_receipts import get_invoices, get_invoices_invoice_id, post_invoices
from hub.api.sales import (
    get_sales_invoices_invoice_id,
    patch_sales_update_invoice,
    post_sales_billing_return,
    post_sales_import_invoice,
)
from hub.api.sales_floor import post_sales_picking_start
from hub.api.suppliers import post_suppliers
from hub.models import (
    Correction,
    CustomerInput,
    EinvoiceBuyerInput,
    EinvoiceDraft,
    EinvoiceItemInput,
    FabricInput,
    Import,
    ItemCorrection,
    ItemInput,
    NewFabricItem,
    NewReceipt,
    NewRoll,
    ProviderStatus,
    Return,
    Start,
    SupplierInput,
)

BASE, KEY, TOKEN = sys.argv[1:]
erp = AuthenticatedClient(BASE, token=KEY, auth_header_name="X-API-KEY", prefix="", raise_on_unexpected_status=True)
user = AuthenticatedClient(BASE, token=TOKEN, raise_on_unexpected_status=True)
DAY = datetime.date(2026, 2, 1)


def sell() -> None:
    """Import an invoice, send it back to billing, correct it, and read it."""
    lines = [ItemInput(name="Paracetamol", item_code="PR1", barcode="B-1", quantity=20, mrp="3.50")]
    body = Import("PY-1", DAY, CustomerInput("C-1", "LifeCare"), lines, salesman=None, temp_name=None)
    imported = post_sales_import_invoice.sync(client=erp, body=body)
    assert imported.data.total_amount == 70.0, imported
    again = post_sales_import_invoice.sync(client=erp, body=body)
    assert again.data["identical"] is True, again
    assert post_sales_picking_start.sync(client=user, body=Start("PY-1")).success
    returned = post_sales_billing_return.sync(client=user, body=Return("PY-1", "Wrong price"))
    assert returned.data.return_info.return_reason == "Wrong price", returned
    correction = Correction("PY-1", items=[ItemCorrection(barcode="B-1", mrp=4)])
    assert patch_sales_update_invoice.sync(client=erp, body=correction).data.total_amount == 80.0
    read = get_sales_invoices_invoice_id.sync(imported.data.id, client=erp)
    assert (read.billing_status, read.invoice_date, read.items[0].mrp) == ("RE_INVOICED", DAY, 4.0), read


def receive() -> None:
    """Book a goods receipt and read its dates."""
    supplier = post_suppliers.sync(client=user, body=SupplierInput("Bursa Mill"))
    fabric = post_fabrics.sync(client=user, body=FabricInput("Twill", gsm="180"))
    rolls = [NewRoll("R1", supplier_length="100.2"), NewRoll("R2", supplier_length=99)]
    item = NewFabricItem(fabric.id, "Blue", 200, "145", 200, "GRN-1", grn_date=DAY, supplier_roll_list=rolls)
    body = NewReceipt(supplier.id, "PY-R1", [item], invoice_date=DAY)
    stored = post_invoices.sync(client=user, body=body, idempotency_key="one")
    read = get_invoices_invoice_id.sync(stored.id, client=user)
    for date in (read.invoice_date, read.fabric_item_list[0].grn_date):
        assert datetime.datetime.fromtimestamp(date / 1000, datetime.UTC).date() == DAY, date
    assert read.fabric_item_list[0].grn_qty == 199.2, read
    page = get_invoices.sync(client=user, invoice_no="PY-R1")
    assert [one.id for one in page.content] == [stored.id], page
    assert get_invoices_invoice_id.sync(999, client=user).code == 40400


def bill() -> None:
    """Issue an e-invoice and write a status back, as a provider's bridge does."""
    body = EinvoiceDraft(EinvoiceBuyerInput("Ayşe", address="Bursa"), [EinvoiceItemInput("Jacket", 1, "99.90")])
    draft = post_v1_einvoices.sync(client=user, body=body)
    issued = post_v1_einvoices_einvoice_id_issue.sync(draft.id, client=user)
    assert issued.invoice_no, issued
    moment = datetime.datetime.now(datetime.UTC)
    report = ProviderStatus("accepted", occurred_at=moment)
    post_v1_einvoices_einvoice_id_provider_status.sync(draft.id, client=user, body=report)
    read = get_v1_einvoices_einvoice_id.sync(draft.id, client=user, include_events=True)
    assert read.provider_status == "accepted", read
    assert isinstance(read.updated_at, datetime.datetime), read
    assert read.events, read


sell()
receive()
bill()
print("done")
