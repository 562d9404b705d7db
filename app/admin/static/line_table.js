// Table of inputs: numbers as typed, added and removed lines, and the keyboard. The server checks everything again.
"use strict";

import { numberReader, one } from "./number_input.js";

/** The number 1 as `readNumber` returns it. */
export const ONE = one;

/** Reader and writer of numbers with the separators of the viewer's language, which the form names. */
export function numbersOf(form) {
  const language = document.documentElement.lang;
  const { decimal, group } = form.dataset;
  const readNumber = numberReader(decimal, group);

  /** An amount in the smallest unit of its currency as text; a dash for null. */
  function showAmount(amount, digits = 2) {
    if (amount === null) return "–";
    const size = amount < 0n ? -amount : amount;
    const unit = 10n ** BigInt(digits);
    const whole = new Intl.NumberFormat(language).format(size / unit);
    const rest = digits ? decimal + String(size % unit).padStart(digits, "0") : "";
    return `${amount < 0n ? "−" : ""}${whole}${rest}`;
  }

  return { readNumber, showAmount };
}

/** A fraction of integers, not negative, rounded half up. */
export function divideHalfUp(numerator, denominator) {
  return (2n * numerator + denominator) / (2n * denominator);
}

/**
 * Start a form with a table of lines.
 *
 * `columns` are the names of the inputs of a line in their order, `main` is the one that a new focus goes to, and
 * `showTotals(rows)` is called after each change.
 */
export function startLineTable(form, { columns, main, showTotals }) {
  const body = form.querySelector("tbody");
  const template = form.querySelector("template");
  const addButton = form.querySelector("[data-add-line]");
  const inputOf = (row, name) => row?.querySelector(`[name=${name}]`);
  const show = () => showTotals([...body.rows]);

  function addLine() {
    body.append(template.content.cloneNode(true));
    inputOf(body.rows[body.rows.length - 1], columns[0]).focus();
    show();
  }

  function removeLine(button) {
    const row = button.closest("tr");
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (inputOf(neighbour, main) ?? addButton)?.focus();
    show();
  }

  /** Go to the same column of another line; after the last line to the button that adds one. */
  function moveToLine(input, step) {
    const row = input.closest("tr");
    const target = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const same = inputOf(target, input.name) ?? inputOf(target, main);
    if (same) {
      same.focus();
      same.select?.();
    } else if (step > 0) addButton?.focus();
  }

  form.addEventListener("input", show);
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
  show();
}
