// A receiver of Invoice Hub's webhooks in plain Node: checks the signature, the clock and repeats, in that order.
//
//     WEBHOOK_SECRET=whsec_… node webhook_receiver.mjs
//
// Replace `handle` by what your system does with an event.
import { createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

// Separated by commas: during a rotation the old one and the new one.
const SECRETS = process.env.WEBHOOK_SECRET.split(",").filter(Boolean);
const STORE = process.env.WEBHOOK_STORE ?? "seen.txt";
const TOLERANCE = 300; // seconds
const MOST_BYTES = 4 * 1024 * 1024;

const seen = new Set(existsSync(STORE) ? readFileSync(STORE, "utf8").split("\n") : []);

// Your own work; keep it short, or put the event into a queue of yours.
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
    seen.add(event.id); // remembered only when the work is done; a crash in between has it sent again
    appendFileSync(STORE, `${event.id}\n`);
  }
  return 204;
}

createServer((request, answer) => {
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size > MOST_BYTES) request.destroy();
    else chunks.push(chunk);
  });
  request.on("end", () => {
    if (request.method !== "POST" || request.url !== "/hooks") return answer.writeHead(404).end();
    // The raw bytes: parsed and written again they would not be the same.
    answer.writeHead(receive(request.headers, Buffer.concat(chunks))).end();
  });
}).listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
