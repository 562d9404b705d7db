// Forms of all pages: on Back, the fields have what was typed before the page was left.
"use strict";

import { actionOf, fill, keptFields } from "./kept_fields.js";

const KEY = `left:${location.pathname}${location.search}`;
const SENT = "sent";
const REFUSED = "[data-refused], main [aria-invalid=true], main .field-error, main .notice.error";

const forms = () => [...document.querySelectorAll("main form[method=post]")].filter((form) => keptFields(form).length);
const valuesOf = (form) => keptFields(form).map((field) => [field.name, field.value, Boolean(field.checked)]);

/** What the hub put into the form: another version, or other lines, and nothing is filled in. */
function stateOf(form) {
  const hidden = [...form.elements].filter((field) => field.type === "hidden" && field.name !== "csrf_token");
  return JSON.stringify(hidden.map((field) => [field.name, field.value]));
}

function snapshot() {
  return forms().map((form) => ({ action: actionOf(form), state: stateOf(form), fields: valuesOf(form) }));
}

function addMissingLines(form, fields) {
  const count = (values, name) => values.filter(([each]) => each === name).length;
  const present = valuesOf(form);
  const missing = Math.max(0, ...fields.map(([name]) => count(fields, name) - count(present, name)));
  for (let line = 0; line < missing; line += 1) form.querySelector("[data-add-line]")?.click();
}

function restore(kept) {
  for (const { action, state, fields } of kept) {
    const form = forms().find((each) => actionOf(each) === action);
    if (!form) continue;
    addMissingLines(form, fields);
    if (stateOf(form) === state) fill(form, fields);
  }
}

// A form that was accepted is not filled in again; one that was refused is, on the page from which it was sent.
const sentFrom = sessionStorage.getItem(SENT);
sessionStorage.removeItem(SENT);
const isRefused = Boolean(document.querySelector(REFUSED));
if (sentFrom && !isRefused) sessionStorage.removeItem(sentFrom);

const [navigation] = performance.getEntriesByType("navigation");
const kept = JSON.parse(sessionStorage.getItem(KEY));
let before;
// After the scripts of the page, which prepare its tables.
addEventListener("pageshow", () => {
  before ??= JSON.stringify(snapshot());
  if (kept && navigation.type === "back_forward") restore(kept);
});

let isSent = false;
let isOver = false;
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.getAttribute("method") !== "post") return;
  isSent = Boolean(event.target.closest("main"));
  isOver = !isSent; // the one form beside the page ends the session
});
addEventListener("pagehide", () => {
  if (isOver) return sessionStorage.clear();
  const now = snapshot();
  if (before !== undefined && JSON.stringify(now) !== before) sessionStorage.setItem(KEY, JSON.stringify(now));
  else if (!isRefused) sessionStorage.removeItem(KEY);
  if (isSent) sessionStorage.setItem(SENT, KEY);
});
