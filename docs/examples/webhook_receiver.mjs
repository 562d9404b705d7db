// A receiver for Invoice Hub webhooks in plain Node: checks the timestamp and the signature, and ignores repeated
// events.
//
//     WEBHOOK_SECRET=whsec_… node webhook_receiver.mjs
//
// Replace `handle` with the work that your system does for an event.
import { createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

// Separated by commas: during a rotation the old and the new secret.
const SECRETS = process.env.WEBHOOK_SECRET.split(",").filter(Boolean);
const STORE = process.env.WEBHOOK_STORE ?? "seen.txt";
const TOLERANCE = 300; // seconds
const MAX_BYTES = 4 * 1024 * 1024;

const seen = new Set(existsSync(STORE) ? readFileSync(STORE, "utf8").split("\n") : []);

// Your own work; keep it short, or put the event into your own queue.
function handle(event) {
  console.log(event.event, event.id);
}

function same(expected, given) {
  const [a, b] = [Buffer.from(expected), Buffer.from(given ?? "")];
  return a.length === b.length && timingSafeEqual(a, b);
}

// Whether the body is signed with one of our secrets, compared in constant time.
function isSigned(headers, body) {
  const given = [headers["x-webhook-signature"], headers["x-webhook-signature-previous"]];
  return SECRETS.some((secret) => {
    const expected = createHmac("sha256", secret).update(`${headers["x-webhook-timestamp"]}.`).update(body);
    const hex = expected.digest("hex");
    return given.some((signature) => same(hex, signature));
  });
}

function receive(headers, body) {
  const timestamp = headers["x-webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) return 401;
  if (!isSigned(headers, body)) return 401;
  const event = JSON.parse(body);
  if (!seen.has(event.id)) {
    handle(event);
    seen.add(event.id); // stored only when the work is done: after a crash the hub sends the event again
    appendFileSync(STORE, `${event.id}\n`);
  }
  return 204;
}

createServer((request, response) => {
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size > MAX_BYTES) request.destroy();
    else chunks.push(chunk);
  });
  request.on("end", () => {
    if (request.method !== "POST" || request.url !== "/hooks") return response.writeHead(404).end();
    // The raw bytes; after parsing and serializing they may differ.
    response.writeHead(receive(request.headers, Buffer.concat(chunks))).end();
  });
}).listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
