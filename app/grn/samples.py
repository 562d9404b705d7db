"""Examples of the API reference: the samples of the GRN document."""

from __future__ import annotations

from typing import Any

_ROLLS = [("R100", 100.2, 145), ("R101", 110.6, 146)]

PAYLOAD: dict[str, Any] = {
    "externalId": "100",
    "supplierId": 1,
    "invoiceNo": "INV-100",
    "erpInvoiceNo": "ERP INVOICE-100",
    "fabricItemList": [
        {
            "externalId": "200",
            "fabricId": 1,
            "color": "Blue",
            "colorCode": None,
            "colorShade": "Light",
            "externalOrderIds": "1000,1001",
            "fpo": "FPO#100",
            "orderQty": 1000,
            "orderingWidth": "145",
            "uomWidth": "centimeter",
            "uomLength": "meter",
            "orderingGsm": None,
            "invoiceQty": 1000,
            "grn": "GRN#100",
            "grnQty": 1000,
            "grnDate": "2023-10-06",
            "warehouse": "wh-central",
            "blanketQty": 0.5,
            "supplierRollList": [
                {
                    "supplierRollNo": number,
                    "factoryRollNo": f"INV-100/{number}",
                    "supplierLength": length,
                    "supplierWidth": width,
                }
                for number, length, width in _ROLLS
            ],
        }
    ],
}

ROLLS: list[dict[str, Any]] = [
    {
        "id": 6921 + place,
        "supplierRollNo": number,
        "factoryRollNo": f"INV-100/{number}",
        "supplierLength": length,
        "supplierWidth": float(width),
        "uomLength": "meter",
        "uomWidth": "centimeter",
        "length": length,
        "width": float(width),
        "blanketQty": 0.0,
        "effectiveLength": length,
    }
    for place, (number, length, width) in enumerate(_ROLLS)
]

ROLL_FILE = "Supplier Roll No,Factory Roll No,Supplier Length,Supplier Width\n" + "".join(
    f"{number},INV-100/{number},{length},{width}\n" for number, length, width in _ROLLS
)

ITEM_SUMMARY: dict[str, Any] = {
    "externalId": "200",
    "id": 126,
    "warehouse": "wh-central",
    "fabricId": 1,
    "color": "Blue",
    "colorShade": "Light",
    "externalOrderIds": "1000,1001",
    "grn": "GRN#100",
    "fpo": "FPO#100",
    "orderQty": 1000.0,
    "orderingWidth": 145.0,
    "invoiceQty": 1000.0,
    "grnQty": 210.8,
    "grnDate": 1696550400000,
    "blanketQty": 0.5,
    "rollCount": 2,
    "uomLength": "meter",
    "uomWidth": "centimeter",
}
ITEM = {**ITEM_SUMMARY, "supplierRollList": ROLLS}

_HEADER = {
    "externalId": "100",
    "id": 98,
    "createdDate": 1696836107887,
    "supplierId": 1,
    "invoiceNo": "INV-100",
    "erpInvoiceNo": "ERP INVOICE-100",
}
RECEIPT_SUMMARY: dict[str, Any] = {**_HEADER, "fabricItemList": [ITEM_SUMMARY]}
RECEIPT: dict[str, Any] = {**_HEADER, "fabricItemList": [ITEM]}

INSPECTION = {"length": 99.5, "width": 144, "blanketQty": 0.5, "shade": "A"}
INSPECTED = {
    **ROLLS[0],
    "length": 99.5,
    "width": 144.0,
    "blanketQty": 0.5,
    "effectiveLength": 99.0,
    "shade": "A",
    "inspectedDate": 1696922507887,
}

ASSOCIATION: list[dict[str, Any]] = [
    {
        "orderId": 10,
        "productId": 2,
        "style": "A6",
        "color": "Black",
        "partName": "Shell",
        "orderQty": 1000,
        "extra": 5,
        "qty": 1200,
        "fabricRequired": 1200,
        "extraFabricRequired": 1260,
        "part": "Shell",
        "styleColor": "Black",
    }
]
ASSOCIATED: list[dict[str, Any]] = [
    {
        "id": 1,
        "orderId": 10,
        "flowInfoId": 1985,
        "productId": 2,
        "style": "A6",
        "color": "Black",
        "partId": 121,
        "type": "OUT",
        "outType": "Association",
        "qty": 1200.0,
    }
]
ENTRY = {"type": "OUT", "outType": "Sampling", "qty": 2.5, "remarks": "Lab dip"}
ENTERED = {"id": 2, **ENTRY, "createdBy": "Asha", "createdDate": 1696922507887}

_LEFT = {
    "uomLength": "meter",
    "grnQty": 210.8,
    "in": 0.0,
    "received": 210.8,
    "associated": 1200.0,
    "out": 1202.5,
    "balance": -991.7,
    "negative": True,
}
ITEM_BALANCE = {"invoiceId": 98, "fabricItemId": 126, "fabricId": 1, "color": "Blue", **_LEFT}
COLOR_BALANCE = {"fabricId": 1, "color": "Blue", **_LEFT}

SUPPLIER = {
    "id": 1,
    "externalId": "S-1",
    "code": "MILL",
    "name": "Bursa Mill",
    "email": "sales@mill.example",
    "taxId": "1234567890",
    "taxScheme": "vkn",
    "street": "Sanayi Cad. 7",
    "district": "Osmangazi",
    "city": "Bursa",
    "country": "TR",
}
PRODUCT = {"id": 2, "code": "JKT", "name": "Jacket"}
_COLORS = [{"color": "Blue", "colorShade": "Light"}, {"color": "Black", "colorCode": "19-0303"}]
FABRIC = {
    "id": 1,
    "code": "TW-145",
    "name": "Cotton twill",
    "composition": "100% cotton",
    "gsm": 180.0,
    "colorList": _COLORS,
}
ORDER = {
    "id": 10,
    "externalId": "1000",
    "code": "PO-10",
    "name": "Autumn jackets",
    "buyer": "Northwind",
    "flowInfoList": [
        {
            "id": 1985,
            "productId": 2,
            "style": "A6",
            "color": "Black",
            "orderQty": 1000.0,
            "partList": [{"id": 121, "partName": "Shell"}, {"id": 122, "partName": "Lining"}],
        }
    ],
}
STORED_FABRIC = {**FABRIC, "colorList": [{"id": 11 + place, **color} for place, color in enumerate(_COLORS)]}
CREATED = {"createdDate": 1696836107887}
