// A day at a hub by the clients that @hey-api/openapi-ts and openapi-typescript generate.
import createClient from "openapi-fetch";

import { createClient as createSdk } from "./hey/client";
import * as sdk from "./hey";
import type { paths } from "./schema";

const [baseUrl, apiKey, token] = process.argv.slice(2) as [string, string, string];
const erp = createSdk({ baseUrl, headers: { "X-API-KEY": apiKey }, throwOnError: true });
const user = createSdk({ baseUrl, headers: { Authorization: `Bearer ${token}` }, throwOnError: true });
const typed = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const day = "2026-02-01";

function same(seen: unknown, wanted: unknown): void {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(seen)} is not ${JSON.stringify(wanted)}`);
  }
}

async function sell(): Promise<void> {
  const items = [{ name: "Paracetamol", item_code: "PR1", barcode: "B-1", quantity: 20, mrp: "3.50" }];
  const customer = { code: "C-2", name: "LifeCare" };
  const body = { invoice_no: "TS-1", invoice_date: day, customer, items, salesman: null };
  const imported = await sdk.postSalesImportInvoice({ client: erp, body, throwOnError: true });
  same(imported.data.data.total_amount, 70);
  await sdk.postSalesPickingStart({ client: user, body: { invoice_no: "TS-1" }, throwOnError: true });
  const back = { invoice_no: "TS-1", return_reason: "Wrong price" };
  await sdk.postSalesBillingReturn({ client: user, body: back, throwOnError: true });
  const correction = { invoice_no: "TS-1", items: [{ barcode: "B-1", mrp: 4 }] };
  await sdk.patchSalesUpdateInvoice({ client: erp, body: correction, throwOnError: true });
  const invoice_id = imported.data.data.id;
  const read = await sdk.getSalesInvoicesInvoiceId({ client: erp, path: { invoice_id }, throwOnError: true });
  same([read.data.billing_status, read.data.total_amount, read.data.items[0]?.mrp], ["RE_INVOICED", 80, 4]);
}

async function receive(): Promise<void> {
  const supplier = await typed.POST("/api/suppliers", { body: { name: "Bursa Mill" } });
  const fabric = await typed.POST("/api/fabrics", { body: { name: "Twill" } });
  if (!supplier.data || !fabric.data) throw new Error("no supplier or fabric");
  const item = {
    fabricId: fabric.data.id,
    color: "Blue",
    orderQty: 200,
    orderingWidth: "145",
    invoiceQty: 200,
    grn: "GRN-1",
    grnDate: day,
    supplierRollList: [{ supplierRollNo: "R1", supplierLength: 100.2 }],
  };
  const body = { supplierId: supplier.data.id, invoiceNo: "TS-R1", fabricItemList: [item] };
  const stored = await typed.POST("/api/invoices", { body });
  if (!stored.data) throw new Error(stored.error.message);
  const path = { invoice_id: stored.data.id };
  const read = await typed.GET("/api/invoices/{invoice_id}", { params: { path } });
  const date: number | undefined = read.data?.fabricItemList[0]?.grnDate;
  same(date, Date.parse(day));
  const unknown = await typed.GET("/api/invoices/{invoice_id}", { params: { path: { invoice_id: 999 } } });
  same(unknown.error?.code, 40400);
}

async function bill(): Promise<void> {
  const draft = { buyer: { name: "Ayşe", address: "Bursa" }, items: [{ name: "Jacket", quantity: 1, unit_price: "99.90" }] };
  const made = await sdk.postV1Einvoices({ client: user, body: draft, throwOnError: true });
  const path = { einvoice_id: made.data.id };
  await sdk.postV1EinvoicesEinvoiceIdIssue({ client: user, path, throwOnError: true });
  const report = { provider_status: "accepted", occurred_at: new Date().toISOString() };
  await sdk.postV1EinvoicesEinvoiceIdProviderStatus({ client: user, path, body: report, throwOnError: true });
  const read = await sdk.getV1EinvoicesEinvoiceId({ client: user, path, throwOnError: true });
  same([read.data.provider_status, typeof read.data.invoice_no], ["accepted", "string"]);
}

sell()
  .then(receive)
  .then(bill)
  .then(() => console.log("done"))
  .catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
