// Editor of e-invoice drafts: live totals by the rules of app/einvoices/lifecycle/totals.py.
"use strict";

import { divideHalfUp, numbersOf, ONE, startLineTable } from "./line_table.js";

const form = document.querySelector("form.desk");
const currency = form.querySelector("[name=currency]");
const { readNumber, showAmount } = numbersOf(form);

/** Discount, VAT rate and net amount of a line; null while one of its values is no number. */
function readLine(row, digits) {
  const text = (name) => row.querySelector(`[name=${name}]`).value;
  const [quantity, price, rate] = ["quantity", "unit_price", "vat_rate"].map((name) => readNumber(text(name)));
  const discount = text("discount_amount").trim() ? readNumber(text("discount_amount")) : 0n;
  if ([quantity, price, rate, discount].includes(null)) return null;
  const exact = quantity * price - discount * ONE;
  const unit = 10n ** BigInt(digits);
  const net = exact < 0n ? 0n : divideHalfUp(exact * unit, ONE * ONE);
  return { rate, net, discount: divideHalfUp(discount * unit, ONE) };
}

/** VAT of all lines: rounded once for each rate, on the sum of its lines. */
function vatOf(lines) {
  const nets = new Map();
  for (const { rate, net } of lines) nets.set(rate, (nets.get(rate) ?? 0n) + net);
  return [...nets].reduce((sum, [rate, net]) => sum + divideHalfUp(net * rate, 100n * ONE), 0n);
}

function showTotals(rows) {
  const digits = Number(currency.selectedOptions[0].dataset.digits);
  const lines = rows.map((row) => {
    const line = readLine(row, digits);
    row.querySelector("[data-amount]").textContent = showAmount(line && line.net, digits);
    return line;
  });
  const isComplete = !lines.includes(null);
  const sum = (name) => lines.reduce((total, line) => total + line[name], 0n);
  const [net, discount, vat] = isComplete ? [sum("net"), sum("discount"), vatOf(lines)] : [null, null, null];
  const amounts = { discount, net, vat, total: isComplete ? net + vat : null };
  for (const [name, amount] of Object.entries(amounts)) {
    form.querySelector(`[data-sum=${name}]`).textContent = showAmount(amount, digits);
  }
  form.querySelector("[data-currency]").textContent = currency.value;
}

if (form.querySelector("[data-add-line]")) {
  const columns = ["name", "sku", "quantity", "unit_price", "discount_amount", "vat_rate"];
  startLineTable(form, { columns, main: "quantity", showTotals });
}
const first = form.querySelector("[aria-invalid]") ?? form.querySelector("[data-first]");
first?.focus();
