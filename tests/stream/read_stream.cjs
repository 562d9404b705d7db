// Reads a stream with a real client library and prints each event that it dispatches as a line of JSON.
//
//   node read_stream.cjs eventsource|event-source-polyfill|fetch-event-source URL X-API-KEY

"use strict";

const [client, url, key] = process.argv.slice(2);
const headers = { "X-API-KEY": key };
const print = (event) => console.log(JSON.stringify(event));
const show = ({ lastEventId, id, type, event, data }) =>
  print({ id: id ?? lastEventId ?? "", event: event ?? type ?? "", data: data ?? "" });
const names = ["message", "invoice_review", "invoice_updated"];

const clients = {
  eventsource() {
    const { EventSource } = require("eventsource");
    const send = (address, init) => fetch(address, { ...init, headers: { ...init.headers, ...headers } });
    const source = new EventSource(url, { fetch: send });
    for (const name of names) source.addEventListener(name, show);
    source.onopen = () => print({ open: true });
  },
  "event-source-polyfill"() {
    const { EventSourcePolyfill } = require("event-source-polyfill");
    const source = new EventSourcePolyfill(url, { headers });
    for (const name of names) source.addEventListener(name, show);
    source.onopen = () => print({ open: true });
    source.onerror = ({ status }) => print({ error: status ?? null });
  },
  "fetch-event-source"() {
    // The library is made for browsers.
    globalThis.window = globalThis;
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    const { fetchEventSource } = require("@microsoft/fetch-event-source");
    class Ended extends Error {}
    fetchEventSource(url, {
      headers,
      onopen: async () => print({ open: true }),
      onmessage: show,
      onclose() {
        throw new Ended(); // as its documentation advises: connect again
      },
      onerror(error) {
        if (!(error instanceof Ended)) throw error;
      },
    });
  },
};
clients[client]();
