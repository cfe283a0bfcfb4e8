import { readAnswer, readError, type Content } from "./answer.js";
import { within, type Clock } from "./clock.js";
import { ConnectionError, GraphError, UnknownOutcomeError } from "./errors.js";
import { delayMs, leavesOpen, mayRepeat, writes } from "./retry.js";
import type { TokenSource } from "./token.js";

/** How a client sends. */
export interface Sender {
  readonly fetch: typeof fetch;
  readonly tokens: TokenSource;
  readonly tries: number;
  readonly tryTimeoutMs: number;
  readonly clock: Clock;
}

/** The limits of a call with all its requests. */
export interface Budget {
  /** The deadline, by the clock. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** What a success looks like. */
export interface Expected {
  readonly statuses: readonly number[];
  readonly maxBytes: number;
  /** Whether the URL is the collection's, so that a 404 cannot mean a missing object. */
  readonly listed: boolean;
}

/** A success, its body decoded. */
export interface Answer extends Content {
  readonly status: number;
  readonly headers: Headers;
}

/** One request with all its tries. */
interface Exchange {
  readonly request: Request;
  readonly body: string | null;
  readonly clientRequestId: string;
  readonly expected: Expected;
  readonly budget: Budget;
  /** Whether a try whose outcome is unknown may have been applied. */
  open: boolean;
}

/** Sends a request until a response makes the outcome known. */
export async function send(sender: Sender, request: Request, expected: Expected, budget: Budget): Promise<Answer> {
  budget.signal?.throwIfAborted();
  const exchange: Exchange = {
    request,
    body: request.body === null ? null : await request.text(),
    clientRequestId: crypto.randomUUID(),
    expected,
    budget,
    open: false,
  };
  try {
    return await within(budget.deadline - sender.clock.now(), budget.signal, (signal) =>
      untilAnswered(sender, exchange, signal),
    );
  } catch (err) {
    if (!exchange.open || budget.signal?.aborted) {
      throw err;
    }
    throw new UnknownOutcomeError(err);
  }
}

async function untilAnswered(sender: Sender, exchange: Exchange, signal: AbortSignal): Promise<Answer> {
  let refreshed = false;
  for (let tried = 1; ; ) {
    const token = await sender.tokens.token();
    signal.throwIfAborted();
    const wasOpen = exchange.open;
    exchange.open = writes(exchange.request);
    let failure: unknown;
    try {
      return await within(sender.tryTimeoutMs, signal, (signal) => once(sender, exchange, token, signal));
    } catch (err) {
      signal.throwIfAborted();
      failure = err;
    }
    if (failure instanceof GraphError && !leavesOpen(failure.status)) {
      exchange.open = wasOpen;
    }
    if (failure instanceof GraphError && failure.status === 401 && !refreshed && sender.tokens.refused(token)) {
      refreshed = true;
      continue;
    }
    const delay = delayMs(tried, failure, sender.clock.random());
    const late = sender.clock.now() + delay >= exchange.budget.deadline;
    if (tried >= sender.tries || late || !mayRepeat(failure, exchange.request)) {
      throw failure;
    }
    await sender.clock.sleep(delay, signal);
    tried++;
  }
}

/** Sends the request once. It throws a GraphError for a response that is not a success. */
async function once(sender: Sender, exchange: Exchange, token: string, signal: AbortSignal): Promise<Answer> {
  const response = await attempt(sender, exchange, token, signal);
  if (!response.ok) {
    throw await readError(response, exchange.expected.listed, exchange.clientRequestId, sender.clock.now());
  }
  const { statuses, maxBytes } = exchange.expected;
  const content = await readAnswer(response, statuses, maxBytes);
  return { status: response.status, headers: response.headers, ...content };
}

async function attempt(sender: Sender, exchange: Exchange, token: string, signal: AbortSignal): Promise<Response> {
  const { request, body, clientRequestId } = exchange;
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${token}`);
  headers.set("client-request-id", clientRequestId);
  try {
    // A redirect could carry the token and the body to another host.
    return await sender.fetch(request.url, { method: request.method, headers, body, redirect: "manual", signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new ConnectionError("The connection failed, or it broke before the response.", { cause });
  }
}
