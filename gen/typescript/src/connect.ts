import createFetchClient from "openapi-fetch";

import { maxObjectBytes, maxPageBytes } from "./answer.js";
import type { CallOptions, Client } from "./client.js";
import type { Clock } from "./clock.js";
import { AppliedError, MalformedAnswerError, UnknownOutcomeError } from "./errors.js";
import { checkOptions, type ClientOptions } from "./options.js";
import { checkPage, followable } from "./pages.js";
import { checkKey, checkObject, checkVersioned, createdKey, type Update, type Versioned } from "./resource.js";
import type { paths } from "./schema.gen.js";
import { send, type Answer, type Budget } from "./send.js";
import { update } from "./update.js";

const collection = "/pfxRecryptionRequests";
const object = "/pfxRecryptionRequests/{pfxRecryptionRequestsId}";

/** Asks for the object in the response to a change, which Microsoft Graph otherwise leaves out (204). */
const returnObject = "return=representation";

/** The headers that make an update conditional, or a creation. */
type PatchHeaders = NonNullable<paths[typeof object]["patch"]["parameters"]["header"]>;
type Fetch = (request: Request) => Promise<Response>;

/** Makes a client that uses the given clock. */
export function connect(options: ClientOptions, clock: Clock): Client {
  const { base, timeoutMs, ...settings } = checkOptions(options);
  const sender = { ...settings, clock };
  const headers = { Accept: "application/json" };
  const api = createFetchClient<paths>({ baseUrl: base.href, headers });
  const budgetOf = ({ signal }: CallOptions = {}): Budget => ({ deadline: clock.now() + timeoutMs, signal });

  /** Sends the request that make makes. The response bypasses openapi-fetch, which would decode it unchecked. */
  async function call(
    statuses: readonly number[],
    budget: Budget,
    make: (fetch: Fetch) => Promise<unknown>,
    maxBytes = maxObjectBytes,
  ): Promise<Answer> {
    let answer: Answer | undefined;
    await make(async (request) => {
      const listed = new URL(request.url).pathname === base.pathname.replace(/\/$/, "") + collection; // may be a key, too
      answer = await send(sender, request, { statuses, maxBytes, listed }, budget);
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
    const params = { path: checkKey(id), header: { Prefer: returnObject, ...header } };
    const statuses = header.Prefer === undefined ? [200, 204] : [200, 201, 204];
    return call(statuses, budget, (fetch) => api.PATCH(object, { params, body, fetch }));
  }

  /** Returns the object of the response to a change. If the response has none, it reads the object. */
  async function changed(answer: Answer, budget: Budget, keyOf: (headers: Headers) => string): Promise<Versioned> {
    try {
      if (answer.status !== 204) {
        return checkVersioned(answer);
      }
      const id = keyOf(answer.headers);
      return await get(id, budget).catch((err: unknown) => {
        throw new AppliedError(err);
      });
    } catch (err) {
      // Something else sent the response: it is unknown whether the change was applied.
      throw err instanceof MalformedAnswerError ? new UnknownOutcomeError(err) : err;
    }
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
        const { body, fractions } = await call([200], budgetOf(signal && { signal }), make, maxPageBytes);
        const page = checkPage(body);
        const objects = page.value.map((body) => checkObject({ body, fractions }, select, "value/"));
        yield* objects;
        if (page.nextLink === undefined) {
          return;
        }
        const { href } = followable(page.nextLink, base);
        if (seen.has(href)) {
          throw new MalformedAnswerError("the pages form a cycle");
        }
        seen.add(href);
        make = (fetch) => fetch(new Request(href, { headers }));
      }
    },

    async create(body, options) {
      const budget = budgetOf(options);
      const params = { header: { Prefer: returnObject } };
      const answer = await call([201, 204], budget, (fetch) => api.POST(collection, { params, body, fetch }));
      return changed(answer, budget, createdKey);
    },

    async patch(id, value, options) {
      const budget = budgetOf(options);
      return changed(await patch(id, value, condition(options?.ifMatch), budget), budget, () => id);
    },

    async upsert(id, value, options) {
      const budget = budgetOf(options);
      const header = { Prefer: `create-if-missing, ${returnObject}`, ...(options?.insertOnly && { "If-None-Match": "*" }) };
      const answer = await patch(id, value, header, budget);
      const created = answer.status === 201 || (answer.status === 204 && answer.headers.has("location"));
      return { ...(await changed(answer, budget, () => id)), created };
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
          changed(await patch(id, changes, condition(ifMatch), budget), budget, () => id),
      };
      return update(store, change, budget);
    },
  };
}

function condition(ifMatch: string | undefined): { "If-Match"?: string } {
  if (ifMatch === "") {
    throw new TypeError("ifMatch must not be empty: the server sent no entity tag");
  }
  return ifMatch === undefined ? {} : { "If-Match": ifMatch };
}
