// Forms of all pages: on Back, the fields have what was typed before the page was left.
"use strict";

import { actionOf, fill, keptFields } from "./kept_fields.js";

const KEY = `left:${location.pathname}${location.search}`;
const SENT = "sent";
const UNSAVED = "[data-unsaved], [data-refused], main [aria-invalid=true], main .field-error, main .notice.error";

const forms = () => [...document.querySelectorAll("main form[method=post]")].filter((form) => keptFields(form).length);
const valuesOf = (form) => keptFields(form).map((field) => [field.name, field.value, Boolean(field.checked)]);

/** The rows of a table to which lines can be added. */
const rowsOf = (form) => (form.querySelector("[data-add-line]") ? [...form.querySelector("tbody").rows] : []);

/** The hidden fields as text: they tell which version, or which line, the hub put into the form. */
function stateOf(fields) {
  const hidden = fields.filter((field) => field.type === "hidden" && field.name !== "csrf_token");
  return JSON.stringify(hidden.map((field) => [field.name, field.value]));
}
const lineOf = (row) => stateOf([...row.querySelectorAll("input")]);

function snapshotOf(form) {
  const rows = rowsOf(form);
  const fields = [...form.elements].filter((field) => !rows.some((row) => row.contains(field)));
  return { action: actionOf(form), state: stateOf(fields), lines: rows.map(lineOf), fields: valuesOf(form) };
}

const snapshot = () => forms().map(snapshotOf);

/** Remove and add lines until the form has those that it had; without effect if it cannot have them. */
function showLines(form, lines) {
  const wanted = [...lines];
  const stay = rowsOf(form).filter((row) => {
    const at = wanted.indexOf(lineOf(row));
    if (at >= 0) wanted.splice(at, 1);
    return at >= 0;
  });
  const template = form.querySelector("template")?.content;
  const result = [...stay.map(lineOf), ...wanted.map(() => lineOf(template))];
  if (JSON.stringify(result) !== JSON.stringify(lines)) return false;
  for (const row of rowsOf(form)) if (!stay.includes(row)) row.remove();
  for (let line = 0; line < wanted.length; line += 1) form.querySelector("[data-add-line]").click();
  return true;
}

/** Another version of the form is not filled in: it would hide what somebody else has changed. */
function restore(snapshots) {
  const focused = document.activeElement;
  for (const { action, state, lines, fields } of snapshots) {
    const form = forms().find((each) => actionOf(each) === action);
    if (form && snapshotOf(form).state === state && showLines(form, lines)) fill(form, fields);
  }
  if (focused.isConnected) focused.focus();
}

// A form that was accepted is not filled in again; one that was not is, on the page from which it was sent.
const sentFrom = sessionStorage.getItem(SENT);
sessionStorage.removeItem(SENT);
let isUnsaved = Boolean(document.querySelector(UNSAVED));
if (sentFrom && !isUnsaved) sessionStorage.removeItem(sentFrom);

const [navigation] = performance.getEntriesByType("navigation");
const kept = JSON.parse(sessionStorage.getItem(KEY));
let before;
// After the scripts of the page, which prepare its tables.
addEventListener("pageshow", () => {
  before ??= JSON.stringify(snapshot());
  if (!kept || !(navigation.type === "back_forward" || (navigation.type === "reload" && kept.isUnsaved))) return;
  isUnsaved ||= kept.isUnsaved;
  restore(kept.forms);
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
  const isChanged = before !== undefined && JSON.stringify(now) !== before;
  if (isUnsaved || isChanged) sessionStorage.setItem(KEY, JSON.stringify({ isUnsaved, forms: now }));
  else sessionStorage.removeItem(KEY);
  if (isSent) sessionStorage.setItem(SENT, KEY);
});
