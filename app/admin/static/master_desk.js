// Colours of a fabric, or styles of an order: lines are added and removed, the keyboard moves between them.
"use strict";

import { startLineTable } from "./line_table.js";

const form = document.querySelector("form.master");
const columns = [...form.querySelector("template").content.querySelectorAll("input:not([type=hidden])")].map(
  (input) => input.name,
);

function offerProducts(rows) {
  for (const row of rows) row.querySelector("[name=product]")?.setAttribute("list", "products");
}

startLineTable(form, { columns, main: columns[0], showTotals: offerProducts });
form.querySelector("[aria-invalid]")?.focus();
