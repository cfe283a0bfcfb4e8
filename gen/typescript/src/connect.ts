import createFetchClient from "openapi-fetch";

import { maxObjectBytes, maxPageBytes } from "./answer.js";
import type { CallOptions, Client } from "./client.js";
import type { Clock } from "./clock.js";
import { MalformedAnswerError } from "./errors.js";
import { checkOptions, type ClientOptions } from "./options.js";
import { checkPage, followable } from "./pages.js";
import { checkKey, checkObject, checkVersioned, type Update, type Versioned } from "./resource.js";
import type { paths } from "./schema.gen.js";
import { send, type Answer, type Budget } from "./send.js";
import { update } from "./update.js";

const collection = "/pfxRecryptionRequests";
const object = "/pfxRecryptionRequests/{pfxRecryptionRequestsId}";

/** The headers that make an update conditional, or a creation. */
type PatchHeaders = NonNullable<paths[typeof object]["patch"]["parameters"]["header"]>;
type Fetch = (request: Request) => Promise<Response>;

/** Makes a client that lives by the given clock. */
export function connect(options: ClientOptions, clock: Clock): Client {
  const { base, timeoutMs, ...settings } = checkOptions(options);
  const sender = { ...settings, clock };
  const headers = { Accept: "application/json" };
  const api = createFetchClient<paths>({ baseUrl: base.href, headers });
  const budgetOf = ({ signal }: CallOptions = {}): Budget => ({ deadline: clock.now() + timeoutMs, signal });

  /** Sends the request that make makes. The answer goes past openapi-fetch, which would decode it unchecked. */
  async function call(
    statuses: readonly number[],
    budget: Budget,
    make: (fetch: Fetch) => Promise<unknown>,
    maxBytes = maxObjectBytes,
  ): Promise<Answer> {
    let answer: Answer | undefined;
    await make(async (request) => {
      answer = await send(sender, request, { statuses, maxBytes }, budget);
      return new Response(null, { status: 204 });
    });
    return answer!;
  }

  async function get(id: string, budget: Budget): Promise<Versioned> {
    const path = checkKey(id);
    const answer = await call([200], budget, (fetch) => api.GET(object, { params: { path }, fetch }));
    return checkVersioned(answer);
  }

  async function patch(id: string, body: Update, header: PatchHeaders, budget: Budget): Promise<Answer> {
    const params = { path: checkKey(id), header };
    const statuses = header.Prefer === undefined ? [200] : [200, 201];
    return call(statuses, budget, (fetch) => api.PATCH(object, { params, body, fetch }));
  }

  return {
    get: async (id, options) => get(id, budgetOf(options)),

    async *list({ filter, select, top, signal } = {}) {
      const query = {
        ...(filter !== undefined && { $filter: filter }),
        ...(select !== undefined && { $select: select.join() }),
        ...(top !== undefined && { $top: top }),
      };
      const seen = new Set<string>();
      let make: (fetch: Fetch) => Promise<unknown> = (fetch) => api.GET(collection, { params: { query }, fetch });
      for (;;) {
        const { body } = await call([200], budgetOf(signal && { signal }), make, maxPageBytes);
        const page = checkPage(body);
        for (const entry of page.value) {
          yield checkObject(entry, select);
        }
        if (page.nextLink === undefined) {
          return;
        }
        const { href } = followable(page.nextLink, base);
        if (seen.has(href)) {
          throw new MalformedAnswerError("a next page comes twice");
        }
        seen.add(href);
        make = (fetch) => fetch(new Request(href, { headers }));
      }
    },

    async create(body, options) {
      return checkVersioned(await call([201], budgetOf(options), (fetch) => api.POST(collection, { body, fetch })));
    },

    async patch(id, value, options) {
      return checkVersioned(await patch(id, value, condition(options?.ifMatch), budgetOf(options)));
    },

    async upsert(id, value, options) {
      const header = { Prefer: "create-if-missing", ...(options?.insertOnly && { "If-None-Match": "*" }) };
      const answer = await patch(id, value, header, budgetOf(options));
      return { ...checkVersioned(answer), created: answer.status === 201 };
    },

    async delete(id, options) {
      const params = { path: checkKey(id), header: condition(options?.ifMatch) };
      await call([204], budgetOf(options), (fetch) => api.DELETE(object, { params, fetch }));
    },

    async update(id, change, options) {
      const budget = budgetOf(options);
      const store = {
        clock,
        get: () => get(id, budget),
        patch: async (changes: Update, ifMatch: string) =>
          checkVersioned(await patch(id, changes, condition(ifMatch), budget)),
      };
      return update(store, change, budget);
    },
  };
}

function condition(ifMatch: string | undefined): { "If-Match"?: string } {
  return ifMatch === undefined ? {} : { "If-Match": ifMatch };
}
