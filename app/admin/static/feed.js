// The overview's feed: goes on behind what the page was rendered with, and sleeps while nobody looks.
"use strict";

const list = document.querySelector(".feed");
const pulse = document.querySelector(".pulse");
const quiet = document.querySelector(".quiet-feed");
const { events, shown } = JSON.parse(list.dataset.words);
const moments = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
const address = new URL(list.dataset.stream, location.href);
let source = null;

function subjectOf(word, data) {
  const subject = word.key && data[word.key];
  if (!subject || !word.name) return document.createTextNode("");
  const name = subject[word.name] ?? `#${subject[word.id]}`;
  if (!word.page) return document.createTextNode(name);
  const link = document.createElement("a");
  link.href = word.page + encodeURIComponent(subject[word.id]);
  link.textContent = name;
  return link;
}

function told(message) {
  const body = JSON.parse(message.data);
  const word = events[body.event];
  const line = document.createElement("li");
  const label = document.createElement("span");
  const time = document.createElement("time");
  line.className = `${word.tone} new`;
  label.textContent = word.label;
  time.dateTime = body.created_at;
  time.textContent = moments.format(new Date(body.created_at));
  line.append(label, " ", subjectOf(word, body.data), " ", time);
  list.prepend(line);
  while (list.children.length > shown) list.lastElementChild.remove();
  quiet.hidden = true;
  address.searchParams.set("last_event_id", message.lastEventId);
  document.body.dispatchEvent(new CustomEvent("hub:news"));
}

function say(live) {
  pulse.classList.toggle("live", live);
  pulse.textContent = live ? pulse.dataset.live : pulse.dataset.away;
}

function open() {
  source = new EventSource(address);
  source.onopen = () => say(true);
  source.onerror = () => {
    say(false);
    // A browser gives up on an answer such as 401; the page then shows the way to sign in when it is loaded again.
  };
  for (const name of Object.keys(events)) source.addEventListener(name, told);
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
