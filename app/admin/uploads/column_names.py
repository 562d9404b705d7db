"""Labels of the columns that a person can choose for a heading."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

_ROLLS: Mapping[str, LazyString] = {
    "supplierRollNo": lazy_gettext("Roll number"),
    "factoryRollNo": lazy_gettext("Factory number"),
    "supplierLength": lazy_gettext("Length"),
    "supplierWidth": lazy_gettext("Width"),
    "supplierWeight": lazy_gettext("Weight"),
    "gsm": lazy_gettext("Weight per area (g/m²)"),
    "shade": lazy_gettext("Shade of the roll"),
}
_INSPECTION: Mapping[str, LazyString] = {
    "length": lazy_gettext("Inspected length"),
    "width": lazy_gettext("Inspected width"),
    "weight": lazy_gettext("Inspected weight"),
    "blanketQty": lazy_gettext("Cut for the blanket"),
}
_RECEIPTS: Mapping[str, LazyString] = {
    "supplier": lazy_gettext("Supplier"),
    "invoiceNo": lazy_gettext("Invoice number"),
    "invoiceDate": lazy_gettext("Invoice date"),
    "erpInvoiceNo": lazy_gettext("ERP number"),
    "externalId": lazy_gettext("External ID"),
    "fabric": lazy_gettext("Fabric"),
    "color": lazy_gettext("Colour"),
    "colorCode": lazy_gettext("Colour code"),
    "colorShade": lazy_gettext("Shade"),
    "grn": lazy_gettext("GRN"),
    "grnDate": lazy_gettext("GRN date"),
    "warehouse": lazy_gettext("Warehouse"),
    "order": lazy_gettext("Order"),
    "externalOrderIds": lazy_gettext("External order IDs"),
    "fpo": lazy_gettext("FPO"),
    "orderQty": lazy_gettext("Ordered"),
    "invoiceQty": lazy_gettext("Invoiced"),
    "grnQty": lazy_gettext("Received"),
    "orderingWidth": lazy_gettext("Ordered width"),
    "orderingGsm": lazy_gettext("Ordered weight"),
    "uomLength": lazy_gettext("Unit of quantities"),
    "uomWidth": lazy_gettext("Unit of widths"),
}
_SALES: Mapping[str, LazyString] = {
    "invoice_no": lazy_gettext("Invoice number"),
    "invoice_date": lazy_gettext("Invoice date"),
    "salesman": lazy_gettext("Salesman"),
    "created_by": lazy_gettext("Created by"),
    "priority": lazy_gettext("Priority"),
    "Total": lazy_gettext("Total"),
    "temp_name": lazy_gettext("Temporary name"),
    "remarks": lazy_gettext("Remarks"),
    "customer_code": lazy_gettext("Customer code"),
    "customer_name": lazy_gettext("Customer name"),
    "customer_area": lazy_gettext("Area of the customer"),
    "customer_address1": lazy_gettext("Address, line %(n)s", n=1),
    "customer_address2": lazy_gettext("Address, line %(n)s", n=2),
    "customer_address3": lazy_gettext("Address, line %(n)s", n=3),
    "customer_pincode": lazy_gettext("Postcode"),
    "customer_phone1": lazy_gettext("Telephone %(n)s", n=1),
    "customer_phone2": lazy_gettext("Telephone %(n)s", n=2),
    "customer_email": lazy_gettext("E-mail of the customer"),
    "item_name": lazy_gettext("Item name"),
    "item_code": lazy_gettext("Item code"),
    "barcode": lazy_gettext("Barcode"),
    "quantity": lazy_gettext("Quantity"),
    "mrp": lazy_gettext("Price"),
    "company_name": lazy_gettext("Manufacturer"),
    "packing": lazy_gettext("Packing"),
    "shelf_location": lazy_gettext("Shelf"),
    "batch_no": lazy_gettext("Batch"),
    "expiry_date": lazy_gettext("Expiry date"),
    "item_remarks": lazy_gettext("Remarks on the item"),
}
#: Kind of a file -> column -> its label.
COLUMN_LABELS: Mapping[str, Mapping[str, LazyString]] = {
    "rolls": {**_ROLLS, **_INSPECTION},
    "receipts": {**_RECEIPTS, **_ROLLS},
    "sales": _SALES,
}
