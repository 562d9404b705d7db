// Server-sent events of a page: one connection, closed while the page is hidden; a new one continues after the last event.
"use strict";

/**
 * Follow a stream.
 * @param {string} address URL of the stream, with the position after which it begins.
 * @param {string[]} names Events that are handed to `onEvent`.
 * @param {(message: MessageEvent) => void} onEvent
 * @param {(isLive: boolean) => void} onState
 */
export function followStream(address, names, onEvent, onState) {
  const url = new URL(address, location.href);
  url.searchParams.set("keep_alive_events", "1");
  let source = null;
  let heardAt = 0;
  let keepAlive = 15; // seconds, until the server says it

  function hear() {
    heardAt = Date.now();
    onState(true);
  }

  function open() {
    heardAt = Date.now();
    source = new EventSource(url);
    source.onopen = hear;
    source.addEventListener("keep_alive", (message) => {
      keepAlive = JSON.parse(message.data).seconds;
      hear();
    });
    // After a status such as 401 the browser does not reconnect; a reload of the page then leads to sign-in.
    source.onerror = () => onState(false);
    for (const name of names) {
      source.addEventListener(name, (message) => {
        url.searchParams.set("last_event_id", message.lastEventId);
        hear();
        onEvent(message);
      });
    }
  }

  function close() {
    source?.close();
    source = null;
  }

  // A connection that is cut without a word looks open: after two keep-alives without one it is told and opened again.
  setInterval(() => {
    if (!source || Date.now() - heardAt < 2000 * keepAlive) return;
    onState(false);
    close();
    open();
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) open();
  });
  addEventListener("pagehide", close);
  open();
}

/** Show in the element ``.stream-state`` of the page whether the stream is live. */
export function showStreamState(isLive) {
  const state = document.querySelector(".stream-state");
  state.classList.toggle("live", isLive);
  state.textContent = isLive ? state.dataset.live : state.dataset.offline;
}
