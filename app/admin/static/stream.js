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
  let source = null;

  function open() {
    source = new EventSource(url);
    source.onopen = () => onState(true);
    // After a status such as 401 the browser does not reconnect; a reload of the page then leads to sign-in.
    source.onerror = () => onState(false);
    for (const name of names) {
      source.addEventListener(name, (message) => {
        url.searchParams.set("last_event_id", message.lastEventId);
        onEvent(message);
      });
    }
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
}
