// A part of a page that loads itself again keeps the focus and an open menu.
"use strict";

const FOCUSABLE = "a[href], button, input, select, textarea, summary";
let kept = null;
const waiting = new Set();

/** What an element is, also after its part was loaded again. */
const nameOf = (element) => [
  element.tagName,
  element.getAttribute("href"),
  element.getAttribute("name"),
  element.getAttribute("commandfor"),
  element.closest("form")?.getAttribute("action"),
].join(" ");

const isOpen = (part) => part.querySelector("details.menu[open]") !== null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (event.detail.requestConfig.elt !== part) return; // a person asked for it
  if (isOpen(part)) {
    event.detail.shouldSwap = false;
    waiting.add(part.id);
    return;
  }
  const focused = document.activeElement;
  if (!part.contains(focused)) return;
  const all = [...part.querySelectorAll(FOCUSABLE)];
  const same = all.filter((each) => nameOf(each) === nameOf(focused));
  kept = { part: part.id, name: nameOf(focused), place: same.indexOf(focused), position: all.indexOf(focused) };
});

document.addEventListener("htmx:afterSwap", () => {
  const part = kept && document.getElementById(kept.part);
  if (!part || part.contains(document.activeElement)) return; // htmx looks for the same id
  const all = [...part.querySelectorAll(FOCUSABLE)];
  const same = all.filter((each) => nameOf(each) === kept.name);
  // What has gone leaves the focus to what stands in its place.
  const found = same[kept.place] ?? same.at(-1) ?? all[kept.position] ?? all.at(-1);
  kept = null;
  found?.focus({ preventScroll: true });
});

/** Load the parts again whose content came while a menu was open. */
function loadWaiting() {
  for (const id of [...waiting]) {
    const part = document.getElementById(id);
    if (part && isOpen(part)) continue;
    waiting.delete(id);
    if (part) htmx.ajax("GET", part.getAttribute("hx-get"), { source: part, target: part, select: `#${id}`, swap: "outerHTML" });
  }
}
document.addEventListener("toggle", loadWaiting, true);
