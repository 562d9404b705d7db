// Script of all pages: local times, copy buttons, dialogs in older browsers, protection against double submission.
"use strict";

import "./list.js";
import "./refresh.js";

const language = document.documentElement.lang;
// Zone of the viewer; without it the page has the times of the server, and the next page knows the browser's zone.
const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const timeZone = document.documentElement.dataset.timeZone || browserZone;
const timeFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone });

function rememberZone() {
  if (browserZone) document.cookie = `time_zone=${browserZone}; path=/admin; max-age=31536000; samesite=lax`;
  const shown = document.querySelector("[data-zone]");
  if (shown && timeZone) shown.textContent = timeZone;
}

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = timeFormat.format(new Date(time.dateTime));
    delete time.dataset.local;
  }
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copyFrom);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // without https there is no clipboard API; the old command copies the selection
  }
  const label = button.querySelector("span");
  const text = label.textContent;
  label.textContent = button.dataset.copiedText;
  setTimeout(() => { label.textContent = text; }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-from]");
  if (button) copy(button);
});

// Ctrl-K (Command-K) goes to the search over everything; on a phone it is in the menu.
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
  const field = document.querySelector("[data-search]");
  if (!field) return;
  event.preventDefault();
  const menu = field.closest("[popover]");
  if (menu && !field.checkVisibility()) menu.showPopover();
  field.focus();
  field.select();
});

// A scanner types a number and Enter within moments. Outside of a field it is searched for, wherever one is.
const SCANNED = { pause: 100, least: 3 };
const scan = { text: "", at: 0 };
document.addEventListener("keydown", (event) => {
  const field = document.querySelector("[data-search]");
  const isTyped = event.target.closest("input, textarea, select, [contenteditable], dialog");
  if (!field || isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.timeStamp - scan.at > SCANNED.pause) scan.text = "";
  if (event.key === "Enter" && scan.text.length >= SCANNED.least) {
    event.preventDefault(); // a link or a button may have the focus
    field.value = scan.text;
    field.form.requestSubmit();
  } else if (event.key.length === 1) {
    if (scan.text) event.preventDefault(); // a space would scroll the page
    scan.text += event.key;
    scan.at = event.timeStamp;
  }
});

// Browsers without the attributes `command` and `commandfor` of buttons.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (dialog) button.getAttribute("command") === "close" ? dialog.close() : dialog.showModal();
  });
}

// A double click on a button submits its form once; a download leaves the page as it is. A form whose submission was
// stopped can be submitted again: at once after the Escape key, else when no answer can come any more.
const NO_ANSWER_AFTER = 35_000;
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || event.submitter?.dataset.file !== undefined) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
  setTimeout(allowAnotherSubmission, NO_ANSWER_AFTER);
});
function allowAnotherSubmission() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
}
addEventListener("pageshow", allowAnotherSubmission);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") allowAnotherSubmission();
});

// A request of htmx that was refused is sent again by a button, so that the browser shows the error page.
document.addEventListener("htmx:responseError", (event) => {
  const form = event.target.closest("form[data-after-error]");
  const button = event.target.closest("button[formaction]");
  if (form) form.requestSubmit(button ?? document.getElementById(form.dataset.afterError));
});

// A page that shows a secret once is the response to a POST; after a reload the browser must not send the form again.
const shownOnce = document.querySelector("[data-replace-url]");
if (shownOnce) history.replaceState(null, "", shownOnce.dataset.replaceUrl);

// After a refusal, the first field that is wrong has the focus.
const wrong = document.querySelector("main form [aria-invalid=true]");
(wrong?.querySelector("input") ?? wrong)?.focus();

rememberZone();
showLocalTimes(document);
document.addEventListener("htmx:afterSettle", (event) => showLocalTimes(event.target));
