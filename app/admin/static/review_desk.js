// Review desk: live totals, new and removed lines, and the keyboard. The server checks everything again.
"use strict";

import { followStream } from "./stream.js";

const desk = document.querySelector("[data-stream]");
const form = document.querySelector("form.desk");

// The queue and the message about foreign changes are loaded again; what is typed stays as it is.
followStream(
  desk.dataset.stream,
  desk.dataset.events.split(" "),
  () => document.body.dispatchEvent(new CustomEvent("hub:review")),
  () => {},
);

function moveInQueue(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...document.querySelectorAll(".queue tbody a")];
  const present = links.indexOf(document.activeElement);
  const next = step && present >= 0 && links[present + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

if (form) startForm();
else {
  document.addEventListener("keydown", moveInQueue);
  document.querySelector(".queue tbody a")?.focus();
}

function startForm() {
  const language = document.documentElement.lang;
  const { decimal, group, before } = form.dataset;
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const number = new RegExp(
    `^(\\d{1,15}|\\d{1,3}(?:${escape(group)}\\d{3}){1,4})(?:${escape(decimal)}(\\d{1,10}))?$`,
  );
  const places = 10;
  const one = 10n ** BigInt(places);
  const body = form.querySelector("tbody");
  const template = form.querySelector("template");
  const addButton = form.querySelector("[data-add-line]");
  const columns = ["name", "item_code", "barcode", "quantity", "mrp", "batch_no", "expiry_date"];

  /** A typed number in units of 10^-10; null if it is none. */
  function read(text) {
    const match = number.exec(text.trim());
    if (!match) return null;
    return BigInt(match[1].replaceAll(group, "") + (match[2] ?? "").padEnd(places, "0"));
  }

  /** Quantity times price, rounded half up to the cent; null while one of them is no number. */
  function cents(row) {
    const [quantity, price] = ["quantity", "mrp"].map((name) => read(row.querySelector(`[name=${name}]`).value));
    if (quantity === null || price === null) return null;
    return (quantity * price * 100n * 2n + one * one) / (one * one * 2n);
  }

  function show(amount) {
    if (amount === null) return "–";
    const size = amount < 0n ? -amount : amount;
    const whole = new Intl.NumberFormat(language).format(size / 100n);
    return `${amount < 0n ? "−" : ""}${whole}${decimal}${String(size % 100n).padStart(2, "0")}`;
  }

  function showTotals() {
    const amounts = [...body.rows].map((row) => {
      const amount = cents(row);
      row.querySelector("[data-amount]").textContent = show(amount);
      return amount;
    });
    const total = amounts.includes(null) ? null : amounts.reduce((sum, amount) => sum + amount, 0n);
    form.querySelector("[data-total]").textContent = show(total);
    const change = total === null ? null : total - BigInt(before);
    form.querySelector("[data-difference]").textContent = show(change);
  }

  function addLine() {
    body.append(template.content.cloneNode(true));
    body.rows[body.rows.length - 1].querySelector("[name=name]").focus();
    showTotals();
  }

  function removeLine(button) {
    const row = button.closest("tr");
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (neighbour?.querySelector("[name=quantity]") ?? addButton).focus();
    showTotals();
  }

  /** Go to the same column of another line; after the last line to the button that adds one. */
  function moveToLine(input, step) {
    const row = input.closest("tr");
    const target = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const same = target?.querySelector(`[name=${input.name}]`) ?? target?.querySelector("[name=quantity]");
    if (same) {
      same.focus();
      same.select?.();
    } else if (step > 0) addButton.focus();
  }

  form.addEventListener("input", showTotals);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-line]");
    if (button) removeLine(button);
    else if (event.target.closest("[data-add-line]")) addLine();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) form.requestSubmit();
      return;
    }
    const input = event.target;
    if (!columns.includes(input.name) || !body.contains(input)) return;
    // The arrows change the value of a date field.
    const arrows = input.type === "date" ? {} : { ArrowDown: 1, ArrowUp: -1 };
    const step = event.key === "Enter" ? (event.shiftKey ? -1 : 1) : arrows[event.key];
    if (!step) return;
    event.preventDefault();
    moveToLine(input, step);
  });

  showTotals();
  const first = form.querySelector("[aria-invalid]") ?? body.querySelector("[name=quantity]");
  first?.focus();
  first?.select();
}
