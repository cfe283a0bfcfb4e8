import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { systemClock, type Clock } from "../src/clock.js";
import { connect } from "../src/connect.js";
import type { Client, ClientOptions, Create, PfxRecryptionRequest } from "../src/index.js";

/** The base URL of the real server, and the tenant of the tests. */
export const realURL = process.env["PFXR_TEST_URL"]!;
export const tenantId = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9";

/** Gets a token with a permission from the real server's development issuer. */
export async function realToken(role = "DeviceManagementConfiguration.ReadWrite.All"): Promise<string> {
  const form = { grant_type: "client_credentials", client_id: "test", client_secret: "test", roles: role };
  const answer = await fetch(new URL(`/dev/${tenantId}/oauth2/v2.0/token`, realURL), {
    method: "POST",
    body: new URLSearchParams({ ...form, scope: "api://pfxrecryption/.default" }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** A client of the real server, and the requests that it sent. */
export async function realClient(options: Partial<ClientOptions> = {}): Promise<{ client: Client; sent: Sent[] }> {
  const sent: Sent[] = [];
  const recording: typeof fetch = (input, init) => {
    const headers = Object.fromEntries(new Headers(init!.headers));
    sent.push({ method: init!.method!, url: String(input), headers, body: String(init!.body ?? "") });
    return fetch(input, init);
  };
  const given = "getToken" in options ? {} : { token: await realToken() };
  return { client: connect({ baseUrl: realURL, fetch: recording, ...given, ...options } as ClientOptions, systemClock), sent };
}

export interface Sent {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A new object with unique identifiers. */
export function newObject(changes: Partial<Create> = {}): Create {
  return {
    tenantId,
    userId: randomUUID(),
    deviceId: randomUUID(),
    profileId: randomUUID(),
    thumbprint: "thumbprint",
    deviceKeyThumbprint: "deviceKeyThumbprint",
    status: 6,
    sourceType: 10,
    createdTime: "2017-01-01T00:02:43.5775965-08:00",
    lastModifiedTime: "2017-01-01T00:00:35.1329464-08:00",
    isDeleted: true,
    eTag: "eTag",
    ...changes,
  };
}

/** The response to one request. */
export type Reply = "break" | "half" | "silence" | Answer | ((url: string) => Answer);

interface Answer {
  status: number;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

/** A response with an object. */
export function objectReply(changes: Partial<PfxRecryptionRequest> = {}, etag = '"a"', status = 200): Answer {
  const value = { "@odata.type": "#microsoft.graph.pfxRecryptionRequest", id: "sample", ...newObject(), ...changes };
  return { status, headers: { "Content-Type": "application/json", ETag: etag }, body: JSON.stringify(value) };
}

/** Serves the replies in their order below /beta, then repeats the last one. */
export async function serve(t: TestContext, ...replies: Reply[]): Promise<{ url: string; sent: Sent[] }> {
  const sent: Sent[] = [];
  let base = "";
  const server = createServer(async (request, response) => {
    const next = replies[Math.min(sent.length, replies.length - 1)]!;
    const reply = typeof next === "function" ? next(base) : next;
    const { method, url, headers } = request;
    const arrived: Sent = { method: method!, url: url!, headers, body: "" };
    sent.push(arrived);
    for await (const chunk of request.setEncoding("utf8")) {
      arrived.body += chunk;
    }
    if (reply === "break") {
      request.socket.destroy();
    } else if (reply === "half") {
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 1000, ETag: '"a"' });
      response.write("{", () => request.socket.destroy());
    } else if (reply !== "silence") {
      response.writeHead(reply.status, reply.headers).end(reply.body);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/beta`;
  return { url: base, sent };
}

/** A clock that sleeps without waiting, and whose random number is always one half. */
export function fakeClock(): Clock & { sleeps: number[] } {
  let now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    random: () => 0.5,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      sleeps.push(ms);
      now += ms;
    },
  };
}

/** A client with a fake clock, and how long it slept. */
export function testClient(baseUrl: string, options: Partial<ClientOptions> = {}): { client: Client; sleeps: number[] } {
  const clock = fakeClock();
  const given = "getToken" in options ? {} : { token: "token" };
  return { client: connect({ baseUrl, ...given, ...options } as ClientOptions, clock), sleeps: clock.sleeps };
}
