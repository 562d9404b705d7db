// An ERP's side of Invoice Hub in plain Node (18 or newer): posts invoices, listens, answers reviews with corrections.
//
//   export HUB_URL=http://localhost:8000 HUB_API_KEY=…
//   node sales_client.mjs post invoice.json
//   node sales_client.mjs listen corrections.json
//
// corrections.json holds, by invoice number, what to send to PATCH /api/sales/update/invoice/.

import { readFile } from "node:fs/promises";

const url = (process.env.HUB_URL ?? "http://localhost:8000").replace(/\/$/, "");
const key = process.env.HUB_API_KEY;
const attempts = 8;
const longestWait = 60_000;
// Three keep-alives missed (one comes every 15 seconds): the connection is dead, whatever TCP thinks.
const silence = 45_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Refused extends Error {}

// Milliseconds to wait: what the server said, else doubling, each with jitter.
function pause(attempt, told) {
  if (told && /^\d+$/.test(told)) return Number(told) * 1000 + Math.random() * 1000;
  return Math.random() * Math.min(longestWait, 500 * 2 ** attempt);
}

// Sends JSON until there is a final answer. A lost connection, 429 and 5xx are tried again. That is safe: the hub
// knows an invoice by its number, and a correction only applies to an invoice in review.
async function call(method, path, payload) {
  const headers = { "Content-Type": "application/json", "X-API-KEY": key };
  const body = JSON.stringify(payload);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    let told = null;
    try {
      const answer = await fetch(url + path, { method, headers, body, signal: AbortSignal.timeout(30_000) });
      if (answer.status !== 429 && answer.status < 500) return { status: answer.status, body: await answer.json() };
      told = answer.headers.get("Retry-After");
      await answer.body?.cancel();
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
    }
    if (attempt + 1 < attempts) await sleep(pause(attempt, told));
  }
  throw new Refused(`${method} ${path}: no answer after ${attempts} attempts`);
}

// Imports the invoice of a file; done when it is stored, be it by this attempt or by an earlier one.
async function post(path) {
  const invoice = JSON.parse(await readFile(path, "utf8"));
  const { status, body } = await call("POST", "/api/sales/import/invoice/", invoice);
  const { data } = body;
  if (status === 201) console.log(`imported ${data.invoice_no} as ${data.id}`);
  else if (status === 409 && data.identical) console.log(`already there: ${data.invoice_no} as ${data.id}`);
  else if (status === 409) throw new Refused(`${data.invoice_no} was imported before and differs: ${data.differences}`);
  else throw new Refused(`refused with ${status}: ${body.message} ${JSON.stringify(body.errors ?? {})}`);
}

// Follows the stream for ever, and answers each review for which there is a correction.
async function listen(path) {
  const corrections = JSON.parse(await readFile(path, "utf8"));
  for await (const invoice of invoices()) {
    const number = invoice.invoice_no;
    console.log(`${number}: ${invoice.status}`);
    if (invoice.type === "invoice_review" && number in corrections) await correct(number, corrections[number]);
  }
}

// Sends a correction; one that was sent before is refused because the invoice has left review.
async function correct(number, correction) {
  const { status, body } = await call("PATCH", "/api/sales/update/invoice/", { invoice_no: number, ...correction });
  if (status === 200) console.log(`corrected ${number}: ${body.data.status}, ${body.data.total_amount}`);
  else if (status === 400 && String(body.errors?.invoice_no).includes("REVIEW")) {
    console.log(`${number} has left review already`);
  } else console.error(`correction of ${number} refused with ${status}: ${JSON.stringify(body)}`);
}

// Full invoices as they change; after a break the stream goes on behind the last one seen.
async function* invoices() {
  let last = null;
  for (let attempt = 0; ; attempt = Math.min(attempt + 1, 8)) {
    const headers = { "X-API-KEY": key, Accept: "text/event-stream" };
    if (last !== null) headers["Last-Event-ID"] = last;
    const giveUp = new AbortController();
    try {
      const answer = await fetch(`${url}/api/sales/sse/invoices/`, { headers, signal: giveUp.signal });
      if (answer.status !== 429 && answer.status >= 400 && answer.status < 500) {
        throw new Refused(`the stream was refused with ${answer.status}`);
      }
      if (answer.ok) {
        for await (const { event, data, id } of frames(answer.body, giveUp)) {
          attempt = 0;
          if (event === "message") yield JSON.parse(data);
          // Only now: who is cut off before this is sent the frame again.
          last = id ?? last;
        }
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    await sleep(pause(attempt, null));
  }
}

// Name, data and id of each event (https://html.spec.whatwg.org/multipage/server-sent-events.html).
async function* frames(body, giveUp) {
  const decoder = new TextDecoder();
  let text = "";
  let fields = {};
  let timer = setTimeout(() => giveUp.abort(), silence);
  try {
    for await (const chunk of body) {
      clearTimeout(timer);
      timer = setTimeout(() => giveUp.abort(), silence);
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split(/\r?\n/);
      text = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if ("data" in fields) yield { event: fields.event ?? "message", data: fields.data, id: fields.id };
          fields = {};
          continue;
        }
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        fields[name] = name === "data" && "data" in fields ? `${fields.data}\n${value}` : value;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

const [verb, path] = process.argv.slice(2);
const verbs = { post, listen };
if (!(verb in verbs) || !path) {
  console.error("Usage: node sales_client.mjs post invoice.json | listen corrections.json");
  process.exit(1);
}
if (!key) {
  console.error("HUB_API_KEY is not set");
  process.exit(1);
}
try {
  await verbs[verb](path);
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exit(1);
}
