// Review desk: live totals and the queue. The server checks everything again.
"use strict";

import { divideHalfUp, numbersOf, ONE, startLineTable } from "./line_table.js";
import { followStream, showStreamState } from "./stream.js";

const desk = document.querySelector("[data-stream]");
const form = document.querySelector("form.desk");

// The queue and the message about foreign changes are loaded again; what is typed stays as it is.
followStream(
  desk.dataset.stream,
  desk.dataset.events.split(" "),
  () => document.body.dispatchEvent(new CustomEvent("hub:review")),
  showStreamState,
);

if (form) startForm();
else document.querySelector("a.row")?.focus();

function startForm() {
  const { readNumber, showAmount } = numbersOf(form);

  /** Quantity times price, rounded half up to the cent; null while one of them is no number. */
  function cents(row) {
    const [quantity, price] = ["quantity", "mrp"].map((name) => readNumber(row.querySelector(`[name=${name}]`).value));
    if (quantity === null || price === null) return null;
    return divideHalfUp(quantity * price * 100n, ONE * ONE);
  }

  function showTotals(rows) {
    const amounts = rows.map((row) => {
      const amount = cents(row);
      row.querySelector("[data-amount]").textContent = showAmount(amount);
      return amount;
    });
    const total = amounts.includes(null) ? null : amounts.reduce((sum, amount) => sum + amount, 0n);
    form.querySelector("[data-total]").textContent = showAmount(total);
    const change = total === null ? null : total - BigInt(form.dataset.before);
    form.querySelector("[data-difference]").textContent = showAmount(change);
  }

  const columns = ["name", "item_code", "barcode", "quantity", "mrp", "batch_no", "expiry_date"];
  startLineTable(form, { columns, main: "quantity", showTotals });
  const first = form.querySelector("[aria-invalid]") ?? form.querySelector("tbody [name=quantity]");
  first?.focus();
  first?.select();
}
