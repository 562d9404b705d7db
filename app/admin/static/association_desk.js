// Associations to styles: the balance that is left, live. The server computes it again.
"use strict";

import { numbersOf, ONE, startLineTable } from "./line_table.js";

const form = document.querySelector("form.desk");
const after = document.querySelector("[data-after]");
const card = document.querySelector("[data-after-card]");
const PLACES = 6;
const available = form && unitsOf(form.dataset.available);

/** A number of the server in the unit of `numberReader`. */
function unitsOf(text) {
  const [whole, rest = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole) * ONE + BigInt(rest.padEnd(String(ONE).length - 1, "0"));
  return text.startsWith("-") ? -size : size;
}

function start() {
  const { readNumber, showAmount } = numbersOf(form);
  const quantityOf = (row) => {
    const text = row.querySelector("[name=qty]").value.trim();
    return text ? readNumber(text) : 0n;
  };

  function showTotals(rows) {
    const quantities = rows.map(quantityOf);
    const left = quantities.includes(null) ? null : quantities.reduce((rest, quantity) => rest - quantity, available);
    const shown = left === null ? "–" : showAmount(left / (ONE / 10n ** BigInt(PLACES)), PLACES);
    // As the server writes it: without zeros at the end, and with a hyphen as the sign.
    after.textContent = left === null ? shown : shown.replace("−", "-").replace(/0+$/, "").replace(/\D$/, "");
    card.classList.toggle("bad", left !== null && left < 0n);
  }

  startLineTable(form, { columns: ["fabricRequired", "extra", "qty"], main: "qty", showTotals });
  (form.querySelector("[aria-invalid]") ?? form.querySelector("#confirmed") ?? form.querySelector("[name=qty]")).focus();
}

if (form) start();
