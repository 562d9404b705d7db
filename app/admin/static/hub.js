// What pages do beyond HTML: dialogs where a browser has no commands for buttons, times in the reader's zone, copying.
"use strict";

const language = document.documentElement.lang;
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

function localise(root) {
  for (const place of root.querySelectorAll("time[data-local]")) {
    place.title = place.textContent;
    place.textContent = moments.format(new Date(place.dateTime));
    delete place.dataset.local;
  }
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copies);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // no clipboard without https; the old way still knows the selection
  }
  const word = button.querySelector("span");
  const before = word.textContent;
  word.textContent = button.dataset.copied;
  setTimeout(() => { word.textContent = before; }, 2000);
}

document.addEventListener("click", (event) => {
  const copying = event.target.closest("[data-copies]");
  if (copying) copy(copying);
});

if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (dialog) button.getAttribute("command") === "close" ? dialog.close() : dialog.showModal();
  });
}

// A form that is sent twice by an impatient finger is sent once.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A page that shows a secret once is the answer to a form: loading it again must not send the form a second time.
const once = document.querySelector("[data-once]");
if (once) history.replaceState(null, "", once.dataset.once);

localise(document);
document.addEventListener("htmx:afterSettle", (event) => localise(event.target));
