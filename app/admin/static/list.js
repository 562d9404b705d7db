// Lists: choice of rows, arrow keys between rows, and what is said when a filter cannot be applied.
"use strict";

const choices = (root = document) => [...root.querySelectorAll("input[name=ids][form=steps]")];

/** Show how many rows are chosen; a step needs at least one. */
function showChoice() {
  const form = document.getElementById("steps");
  if (!form) return;
  const boxes = choices();
  const chosen = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-choose-all]");
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  for (const button of form.querySelectorAll("[data-step]")) button.disabled = chosen === 0;
  for (const text of form.querySelectorAll("[data-chosen]")) text.textContent = text.dataset.text.replace("#", chosen);
}

let latest = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("input[name=ids][form=steps]")) return;
  const boxes = choices();
  const [from, to] = [boxes.indexOf(latest), boxes.indexOf(box)].sort((one, other) => one - other);
  if (event.shiftKey && from >= 0) boxes.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
  latest = box;
  showChoice();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose-all]")) choices().forEach((box) => { box.checked = event.target.checked; });
  if (event.target.matches("[data-choose-all], input[name=ids]")) showChoice();
});

// Arrow keys go from row to row; Enter opens the row, because its link has the focus.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = step ? [...document.querySelectorAll("a.row")] : [];
  const present = links.indexOf(document.activeElement);
  if (present < 0 || !links[present + step]) return;
  event.preventDefault();
  links[present + step].focus();
});

// A menu closes by Escape, and by a click elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Blank filters do not belong into the address.
document.addEventListener("htmx:configRequest", (event) => {
  const { formData, verb } = event.detail;
  if (verb !== "get") return;
  for (const [name, value] of [...formData.entries()]) if (value === "") formData.delete(name);
});

// Without a server the rows stay; they must not look as if the new filter had found them.
function showNotLoaded(event) {
  const list = event.detail.target;
  if (!list?.dataset?.notLoaded || list.classList.contains("not-loaded")) return;
  const notice = document.createElement("div");
  const text = document.createElement("p");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  text.textContent = list.dataset.notLoaded;
  notice.append(text);
  list.classList.add("not-loaded");
  list.prepend(notice);
}
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, showNotLoaded);

document.addEventListener("htmx:afterSettle", showChoice);
addEventListener("pageshow", showChoice);
showChoice();
