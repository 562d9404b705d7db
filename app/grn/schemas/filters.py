"""Query parameters of lists: filters, search and sort order."""

from __future__ import annotations

from app.grn.models.columns import LedgerType, OutType
from app.grn.receipts.roll_list import RollState
from app.grn.receipts.search import SORTABLE
from app.grn.schemas.fields import reference, required_identifier
from app.grn.schemas.pagination import PageQuery, Sort
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Schema


class ReceiptQuery(PageQuery):
    """Filters of goods receipts; a receipt must match all of them."""

    sort = Sort(*SORTABLE)
    external_id = Identifier(100, data_key="externalId")
    supplier_id = reference(data_key="supplierId")
    invoice_no = Identifier(100, data_key="invoiceNo")
    erp_invoice_no = Identifier(100, data_key="erpInvoiceNo")
    grn = Identifier(100)
    fabric_id = reference(data_key="fabricId")
    color = Identifier(100)
    order_id = reference(data_key="orderId")
    external_order_id = Identifier(100, data_key="externalOrderId")
    warehouse = Identifier(100)
    roll_no = Identifier(
        100,
        data_key="rollNo",
        metadata={"description": "`supplierRollNo` or `factoryRollNo`; upper and lower case are equal."},
    )
    grn_date_from = CalendarDate(data_key="grnDateFrom")
    grn_date_to = CalendarDate(data_key="grnDateTo")
    created_from = CalendarDate(data_key="createdFrom")
    created_to = CalendarDate(data_key="createdTo")
    search = Identifier(
        100,
        metadata={
            "description": "The first characters of a number of the receipt or of its GRN, or a whole roll number."
        },
    )


class RollFilters(Schema):
    """Filters of rolls; a roll must match all of them."""

    search = Identifier(100)
    fabric = Identifier(100)
    color = Identifier(100)
    warehouse = Identifier(100)
    state = Choice(*RollState)


class ByExternalId(Schema):
    """The `externalId` of a receipt."""

    external_id = required_identifier(data_key="externalId")


class LedgerQuery(PageQuery):
    """Filters of a ledger."""

    type = Choice(*LedgerType)
    out_type = Choice(*OutType, data_key="outType")


class BalanceQuery(PageQuery):
    """Filters of balances."""

    color = Identifier(100)


class MasterQuery(PageQuery):
    """Filters of master data."""

    sort = Sort("id", "name", "code")
    external_id = Identifier(100, data_key="externalId")
    code = Identifier(100)
    search = Identifier(100, metadata={"description": "The first characters of the name or the code."})
