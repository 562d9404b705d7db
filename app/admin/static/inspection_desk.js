// Inspection desk: Enter saves a roll and goes to the next one; a measure far off the supplier's is asked about first.
"use strict";

import { numberReader } from "./number_input.js";

const desk = document.querySelector(".inspection");
const body = desk.querySelector("tbody");
const status = desk.querySelector("[data-status]");
const read = numberReader(desk.dataset.decimal, desk.dataset.group);
const limit = BigInt(desk.dataset.limit);

const inputsOf = (row) => [...row.querySelectorAll("input[data-stored]")];
const isChanged = (input) => input.value.trim() !== input.dataset.stored;

/** The field in which the work on a row began; the work on the next row begins in the same one. */
let column = "";
let openRow = "";
/** Rolls are sent one after another, in the order in which they were saved. */
let sending = Promise.resolve();

function isFarOff(input) {
  const [value, supplier] = [input.value, input.dataset.supplier ?? ""].map(read);
  if (value === null || supplier === null) return false;
  const difference = value > supplier ? value - supplier : supplier - value;
  return difference * 100n > supplier * limit;
}

/** Ask about measures that are far off; false if the viewer was asked about the same values before. */
function asks(row) {
  const far = inputsOf(row).filter((input) => isChanged(input) && isFarOff(input));
  for (const input of inputsOf(row)) {
    const text = input.parentElement.querySelector("[data-question]");
    if (text) text.hidden = !far.includes(input);
  }
  const question = far.map((input) => `${input.name}=${input.value.trim()}`).join("&");
  const confirmed = row.querySelector("[name=confirmed]");
  if (confirmed.value === question) return false;
  confirmed.value = question;
  if (!far.length) return false;
  far[0].focus();
  far[0].select();
  return true;
}

function save(row) {
  const changed = inputsOf(row).filter(isChanged);
  if (!changed.length) return true;
  if (asks(row)) return false;
  const form = row.querySelector("form");
  const data = new FormData();
  for (const name of ["csrf_token", "confirmed"]) data.set(name, form.elements[name].value);
  for (const input of changed) data.set(input.name, input.value);
  sending = sending.then(() => send(form.action, data, row.id));
  return true;
}

async function send(address, data, id) {
  // Read now, and not when the row was saved: the answer to an earlier save of the row has brought newer values.
  data.set("shown", document.querySelector(`#${id} [name=shown]`).value);
  try {
    const response = await fetch(address, { method: "POST", body: data, headers: { "HX-Request": "true" } });
    const elsewhere = response.headers.get("HX-Redirect");
    if (elsewhere) location.assign(elsewhere);
    if (!response.ok) throw new Error(response.statusText);
    show(new DOMParser().parseFromString(await response.text(), "text/html"), data);
  } catch {
    document.getElementById(id).classList.add("not-saved");
    status.textContent = desk.dataset.failed;
  }
}

function show(answer, data) {
  const fresh = answer.querySelector("tr");
  const row = document.getElementById(fresh.id);
  document.getElementById("progress").replaceWith(answer.getElementById("progress"));
  const isRefused = Boolean(fresh.querySelector(".field-error:not([hidden])"));
  status.textContent = isRefused
    ? desk.dataset.refused.replace("{roll}", fresh.querySelector(".item").textContent.trim())
    : "";
  // What was typed into the row since it was sent stays.
  for (const input of inputsOf(row)) {
    const sent = data.get(input.name) ?? input.dataset.stored;
    if (input.value !== sent) fresh.querySelector(`[name=${input.name}]`).value = input.value;
  }
  const focused = row.contains(document.activeElement) ? document.activeElement.name : "";
  row.replaceWith(fresh);
  if (focused) fresh.querySelector(`[name=${focused}]`).focus();
}

function start(input) {
  input?.focus();
  input?.select();
}

async function finish() {
  const next = desk.querySelector("a[rel=next]") ?? desk.querySelector("[data-done]");
  next.focus();
  await sending;
  if (next.rel === "next" && ![...body.rows].some((row) => inputsOf(row).some(isChanged))) next.click();
}

function move(row, step) {
  const target = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (target) start(target.querySelector(`[name="${column}"]`) ?? inputsOf(target)[0]);
  else if (step > 0) finish();
}

body?.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr");
  if (row.id === openRow || event.target.dataset.stored === undefined) return;
  openRow = row.id;
  column = event.target.name;
});

body?.addEventListener("keydown", (event) => {
  if (event.target.dataset.stored === undefined) return;
  const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  if (event.key === "Enter" && (event.repeat || !save(event.target.closest("tr")))) return;
  move(event.target.closest("tr"), step);
});

body?.addEventListener("submit", (event) => {
  event.preventDefault();
  const row = event.target.closest("tr");
  if (save(row)) move(row, 1);
});

addEventListener("beforeunload", (event) => {
  if (body && [...body.rows].some((row) => inputsOf(row).some(isChanged))) event.preventDefault();
});

if (body) {
  const first = desk.querySelector("[aria-invalid]") ?? body.querySelector("tr:not([data-inspected]) input[data-stored]");
  start(first);
}
