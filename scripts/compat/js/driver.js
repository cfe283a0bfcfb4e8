// Makes calls with a JavaScript client: reads one call from each line of standard input, and writes one outcome to each line
// of standard output. usage: node driver.js graph|typescript|chromium BASE_URL TOKEN
import { createInterface } from "node:readline";

import { openPage } from "./chromium.js";
import { makeCalls } from "./typescript.js";

const [name, baseUrl, token] = process.argv.slice(2);

// Graph's client hides the header fields of a response. Calls run one by one, so the last response is that of the call.
let tag = "";
const send = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const answer = await send(...args);
  tag = answer.headers.get("etag") ?? "";
  return answer;
};

// The client's errors have the Graph error as text, or what the server sent instead.
function targets(body) {
  try {
    return JSON.parse(body).details.map((d) => d.target);
  } catch {
    return [];
  }
}

async function graph() {
  const { Client } = await import("@microsoft/microsoft-graph-client");
  const { origin, pathname } = new URL(baseUrl);
  const client = Client.init({
    baseUrl: origin + "/",
    defaultVersion: pathname.slice(1),
    authProvider: (done) => done(null, token),
  });
  // Over plain http the client drops its own token, but keeps a lower-case header field.
  const api = (call) => {
    const request = client.api(`/pfxRecryptionRequests/${call.id}`).header("authorization", `Bearer ${token}`);
    return call.ifMatch ? request.header("If-Match", call.ifMatch) : request;
  };
  // The client's batch removes only the authority from an address, so the address must not contain the version.
  const batch = async ({ id }) => {
    const { BatchRequestContent, BatchResponseContent } = await import("@microsoft/microsoft-graph-client");
    const step = (number, key, init) => ({
      id: String(number),
      request: new Request(`${origin}/pfxRecryptionRequests/${key}`, init),
      dependsOn: number > 1 ? [String(number - 1)] : undefined,
    });
    const headers = { "Content-Type": "application/json" };
    const update = { method: "PATCH", headers, body: JSON.stringify({ thumbprint: "new" }) };
    const content = new BatchRequestContent([step(1, id, update), step(2, id), step(3, "nothing"), step(4, id)]);
    const answer = await client.api("/$batch").header("authorization", `Bearer ${token}`).post(await content.getContent());
    const responses = [...new BatchResponseContent(answer).getResponses()].sort(([a], [b]) => a - b).map(([, response]) => response);
    return { list: responses.map(({ status }) => status), body: await responses[1].json() };
  };
  return async (call) => {
    try {
      if (call.op === "batch") return await batch(call);
      const body = call.op === "get" ? await api(call).get() : await api(call).patch(call.body);
      return { status: 200, body, tag };
    } catch (e) {
      if (!(e.statusCode > 0)) return { unknown: true, message: String(e) };
      return { status: e.statusCode, code: e.code, message: e.message, targets: targets(e.body) };
    }
  };
}

async function typescript() {
  return makeCalls(await import("../../../gen/typescript/dist/index.js"), baseUrl, token);
}

async function chromium() {
  return openPage(baseUrl, token);
}

const make = await { graph, typescript, chromium }[name]();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await make(JSON.parse(line))) + "\n");
}
await make.close?.();
