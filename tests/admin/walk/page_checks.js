// Faults of a page that a program can see: too wide, cut, wrapped, too small, overlapping, not translated.
(english) => {
  const found = [];
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!element.checkVisibility({ contentVisibilityAuto: true })) return false;
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && !element.closest(".visually-hidden, .skip, svg, [hidden]");
  };
  const say = (kind, element, more = "") => found.push(`${kind}: <${element.tagName.toLowerCase()} class="${element.className}"> ${element.textContent.trim().replace(/\s+/g, " ").slice(0, 60)} ${more}`);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`page is ${root.scrollWidth - root.clientWidth} px too wide`);
  for (const element of document.querySelectorAll("body *")) {
    if (!seen(element)) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (element.matches(".table, .card pre, .quantities") && element.scrollWidth > element.clientWidth + 1) say("scrolls sideways", element, `${element.scrollWidth - element.clientWidth} px`);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1 && !element.matches("select, input, textarea, pre")) say("cut", element, style.textOverflow);
    if (own && style.overflowX === "visible" && style.display !== "inline" && element.scrollWidth > element.clientWidth + 1 && element.clientWidth) say("text sticks out", element, `${element.scrollWidth - element.clientWidth} px`);
    if (box.right > root.clientWidth + 1 && own && !element.closest(".table, pre")) say("right of the page", element);
    if (element.matches("input:not([type=checkbox], [type=radio], [type=hidden], [type=file], [type=search])") && element.scrollWidth > element.clientWidth + 1) say("value is cut", element, `${element.name}=${element.value}`);
    if (element.matches("select")) {
      const canvas = document.createElement("canvas").getContext("2d");
      canvas.font = style.font;
      const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      const needed = canvas.measureText(element.selectedOptions[0]?.textContent.trim() || "").width;
      if (needed > room + 2) say("choice is cut", element, `${element.name}=${element.selectedOptions[0].textContent.trim()} ${Math.round(needed - room)} px`);
    }
    if (element.matches("input[placeholder]") && !element.value) {
      const canvas = document.createElement("canvas").getContext("2d");
      canvas.font = style.font;
      const room = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      if (canvas.measureText(element.placeholder).width > room + 1) say("placeholder is cut", element, element.placeholder);
    }
    if (element.matches("button, .button, .chips a, summary, th a, select, input:not([type=hidden]), .sidebar a, nav a") && (box.height < 23.5 || box.width < 23.5)) {
      const label = element.closest("label")?.getBoundingClientRect();
      if (!label || label.height < 23.5) say("small target", element, `${Math.round(box.width)} x ${Math.round(box.height)}`);
    }
    if (element.matches(".number, time, .word, .badge, button, .button, td.date") && own) {
      const range = document.createRange();
      range.selectNodeContents(element);
      const lines = new Set([...range.getClientRects()].filter((one) => one.width > 1).map((one) => Math.round(one.top / 8)));
      const line = parseFloat(style.lineHeight) || 20;
      if (range.getBoundingClientRect().height > 1.8 * line && lines.size > 1 && element.children.length === 0) say("wrapped", element);
    }
  }
  const controls = [...document.querySelectorAll("main :is(a, button, input:not([type=hidden]), select, textarea)")].filter(seen);
  const boxes = controls.map((element) => element.getBoundingClientRect());
  for (let one = 0; one < Math.min(controls.length, 300); one++)
    for (let two = one + 1; two < Math.min(controls.length, 300); two++) {
      if (controls[one].contains(controls[two]) || controls[two].contains(controls[one])) continue;
      const wide = Math.min(boxes[one].right, boxes[two].right) - Math.max(boxes[one].left, boxes[two].left);
      const high = Math.min(boxes[one].bottom, boxes[two].bottom) - Math.max(boxes[one].top, boxes[two].top);
      if (wide > 2 && high > 3 && getComputedStyle(controls[one]).display !== "inline") say("overlaps", controls[one], `with ${controls[two].outerHTML.slice(0, 80)}`);
    }
  for (const fact of document.querySelectorAll(".facts > div")) {
    const next = fact.nextElementSibling;
    if (next && seen(fact) && seen(next) && fact.getBoundingClientRect().right > next.getBoundingClientRect().left + 1
      && fact.getBoundingClientRect().bottom > next.getBoundingClientRect().top + 1) say("overlaps", fact, `with ${next.textContent.trim().slice(0, 30)}`);
  }
  if (english) {
    const ids = new Set(english);
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.data.trim();
      const parent = walker.currentNode.parentElement;
      if (!text || parent.closest("script, style, code, pre, .visually-hidden[lang]")) continue;
      if (ids.has(text) || /\b(the|and|is|are|of|with|for|from|not|was|has|no)\b/i.test(text)) say("English", parent, `“${text.slice(0, 80)}”`);
    }
    for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [data-empty]"))
      for (const name of ["title", "aria-label", "placeholder"])
        if (ids.has(element.getAttribute(name))) say("English", element, `${name}=${element.getAttribute(name)}`);
  }
  return found;
}
