// Upload of a file with a preview: a file can be dropped on the card, and the page says how far the work is.
"use strict";

const form = document.querySelector("form[data-upload]");
const card = form.querySelector(".upload");
const input = form.querySelector("input[type=file]");
const box = document.getElementById("upload-progress");
/** Milliseconds until the progress is shown, and between two questions to the server. */
const PATIENCE = 400;
const INTERVAL = 700;
let timer;

function showSending(loaded, total) {
  const bar = document.createElement("progress");
  bar.max = total;
  bar.value = loaded;
  bar.setAttribute("aria-label", box.dataset.sending);
  const text = document.createElement("span");
  text.textContent = box.dataset.sending;
  box.replaceChildren(bar, text);
}

function ask() {
  box.hidden = false;
  box.dispatchEvent(new CustomEvent("tick"));
  timer = setTimeout(ask, INTERVAL);
}

function stop() {
  clearTimeout(timer);
  timer = undefined;
  box.dispatchEvent(new CustomEvent("htmx:abort")); // a late answer would show an old step again
  box.hidden = true;
  box.replaceChildren();
}

form.addEventListener("htmx:beforeRequest", () => {
  stop();
  timer = setTimeout(ask, PATIENCE);
});
form.addEventListener("htmx:xhr:progress", ({ detail }) => {
  if (timer === undefined || !detail.lengthComputable || detail.loaded >= detail.total) return;
  clearTimeout(timer); // the server has nothing to tell before it has the file
  timer = setTimeout(ask, INTERVAL);
  box.hidden = false;
  showSending(detail.loaded, detail.total);
});
form.addEventListener("htmx:afterRequest", stop);

const preview = () => input.dispatchEvent(new Event("change", { bubbles: true }));

function showProblem(text, button) {
  const notice = document.createElement("div");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  notice.append(Object.assign(document.createElement("p"), { textContent: text }));
  if (button) notice.append(button);
  box.replaceChildren(notice);
  box.hidden = false;
}

// Nothing came back: the file cannot be read any more, or the server does not answer.
form.addEventListener("htmx:sendError", async ({ detail }) => {
  const canBeRead = await input.files[0]?.slice(0, 1).arrayBuffer().then(() => true, () => false);
  if (canBeRead) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: box.dataset.again });
    button.className = "secondary";
    button.addEventListener("click", () => (detail.elt === form ? preview() : detail.elt.click()));
    showProblem(box.dataset.notSent, button);
  } else {
    input.value = "";
    showProblem(box.dataset.notReadable);
  }
});

// A corrected file has the path of the one before; the browser reads it only if the field is empty.
let chosenBefore = new DataTransfer();
input.addEventListener("click", () => {
  chosenBefore = new DataTransfer();
  for (const file of input.files) chosenBefore.items.add(file);
  input.value = "";
});
input.addEventListener("cancel", () => { input.files = chosenBefore.files; });

// A file that was chosen before the scripts were loaded; htmx is ready first, because its script comes first.
document.addEventListener("DOMContentLoaded", () => {
  if (input.files.length) preview();
});

// The card is the target of a dropped file; elsewhere on the page the browser would open the file.
for (const name of ["dragover", "drop"]) {
  document.addEventListener(name, (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}
document.addEventListener("dragover", (event) => card.classList.toggle("dropping", card.contains(event.target)));
document.addEventListener("drop", (event) => {
  card.classList.remove("dropping");
  const dropped = event.dataTransfer?.files;
  if (!card.contains(event.target) || !dropped?.length) return;
  input.files = dropped;
  preview();
});
