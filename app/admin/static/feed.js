// Live feed of the overview: appends new events to the rendered ones; closed while the page is hidden.
"use strict";

const list = document.querySelector(".feed");
const streamState = document.querySelector(".stream-state");
const emptyText = document.querySelector(".empty-feed");
const { events, maxEntries } = JSON.parse(list.dataset.settings);
const { lang, dataset } = document.documentElement;
const timeFormat = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone: dataset.timeZone });
const streamUrl = new URL(list.dataset.stream, location.href);
let source = null;

function subjectNode(settings, data) {
  const subject = settings.key && data[settings.key];
  if (!subject || !settings.name) return document.createTextNode("");
  const name = subject[settings.name] ?? `#${subject[settings.id]}`;
  if (!settings.page) return document.createTextNode(name);
  const link = document.createElement("a");
  link.href = settings.page + encodeURIComponent(subject[settings.id]);
  link.textContent = name;
  return link;
}

function showEvent(message) {
  const body = JSON.parse(message.data);
  const settings = events[body.event];
  const line = document.createElement("li");
  const label = document.createElement("span");
  const time = document.createElement("time");
  line.className = `${settings.tone} new`;
  label.textContent = settings.label;
  time.dateTime = body.created_at;
  time.textContent = timeFormat.format(new Date(body.created_at));
  line.append(label, " ", subjectNode(settings, body.data), " ", time);
  list.prepend(line);
  while (list.children.length > maxEntries) list.lastElementChild.remove();
  emptyText.hidden = true;
  streamUrl.searchParams.set("last_event_id", message.lastEventId);
  document.body.dispatchEvent(new CustomEvent("hub:event"));
}

function showState(isLive) {
  streamState.classList.toggle("live", isLive);
  streamState.textContent = isLive ? streamState.dataset.live : streamState.dataset.offline;
}

function open() {
  source = new EventSource(streamUrl);
  source.onopen = () => showState(true);
  // After a status such as 401 the browser does not reconnect; a reload of the page then leads to sign-in.
  source.onerror = () => showState(false);
  for (const name of Object.keys(events)) source.addEventListener(name, showEvent);
}

function close() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else if (!source) open();
});
addEventListener("pagehide", close);
open();
