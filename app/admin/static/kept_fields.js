// Forms of all pages: after a refusal, the fields have what was typed, and each error is beside its field.
"use strict";

const KEY = "typed";
const FORGOTTEN = ["hidden", "password", "file", "submit", "button"];
const SECRET = /password|present|again|secret|token|headers/;

const isChoice = (field) => field.type === "radio" || field.type === "checkbox";
export const actionOf = (form) => new URL(form.getAttribute("action") ?? "", location.href).href;

export function keptFields(form) {
  return [...form.elements].filter(
    (field) => field.name && !FORGOTTEN.includes(field.type) && !SECRET.test(field.name),
  );
}

function namesOf(form) {
  return keptFields(form).map((field) => field.name).join();
}

// Only the next page reads it: it shows the form again, or the hub has accepted it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  const fields = keptFields(form).map((field) => [field.name, field.value, Boolean(field.checked)]);
  sessionStorage.setItem(KEY, JSON.stringify({ action: actionOf(form), names: namesOf(form), fields }));
});

export function fill(form, fields) {
  for (const field of keptFields(form)) {
    const at = fields.findIndex(([name, value]) => name === field.name && (!isChoice(field) || value === field.value));
    if (at < 0) continue;
    const [[, value, isChecked]] = fields.splice(at, 1);
    if (isChoice(field)) field.checked = isChecked;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function showError(field, text) {
  const note = document.createElement("small");
  note.className = "field-error";
  note.id = `error-of-${field.name}`;
  note.textContent = text;
  (field.closest("fieldset, .field, label") ?? field).after(note);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), note.id].filter(Boolean).join(" "));
}

function showErrors(form, errors, notice) {
  const names = Object.keys(errors).filter((name) => form.elements.namedItem(name));
  for (const name of names) showError(form.querySelector(`[name="${CSS.escape(name)}"]`), errors[name]);
  const dialog = form.closest("dialog");
  if (dialog && names.length < Math.max(1, Object.keys(errors).length)) form.querySelector("h2").after(notice.cloneNode(true));
  dialog?.showModal();
  form.querySelector("[aria-invalid=true]")?.focus();
}

const notice = document.querySelector("[data-refused]");
const typed = JSON.parse(sessionStorage.getItem(KEY));
sessionStorage.removeItem(KEY);
if (notice && typed) {
  const forms = [...document.forms].filter((form) => form.getAttribute("method") === "post" && actionOf(form) === typed.action);
  const form = forms.find((each) => namesOf(each) === typed.names) ?? forms[0];
  if (form) {
    fill(form, typed.fields);
    showErrors(form, JSON.parse(notice.dataset.refused), notice);
  }
}
