// Live feed of the overview: appends new events to the rendered ones.
"use strict";

import { followStream, showStreamState } from "./stream.js";

const list = document.querySelector(".feed");
const emptyText = document.querySelector(".empty-feed");
const { events, maxEntries } = JSON.parse(list.dataset.settings);
const { lang, dataset } = document.documentElement;
const timeFormat = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone: dataset.timeZone });

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
  document.body.dispatchEvent(new CustomEvent("hub:event"));
}

followStream(list.dataset.stream, Object.keys(events), showEvent, showStreamState);
