import { ConnectionError, GraphError } from "./errors.js";

/** The first wait is at most baseMs, and no later one is longer than capMs. */
const baseMs = 200;
const capMs = 10_000;
/** The longest wait that a server can ask for. */
const maxRetryAfterMs = (2 ** 31 - 1) * 1000;

/**
  * The wait after the given number of tries, in milliseconds: exponential backoff with full jitter, and at least what the
 * server asked for.
 */
export function delayMs(tried: number, failure: unknown, random: number): number {
  const asked = failure instanceof GraphError ? (failure.retryAfterMs ?? 0) : 0;
  return Math.max(asked, random * Math.min(capMs, baseMs * 2 ** (tried - 1)));
}

/** Reads Retry-After (RFC 9110 §10.2.3), seconds or an HTTP date, as milliseconds from now, by the server's clock. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^[0-9]+$/.test(text)) {
    return Math.min(Number(text) * 1000, maxRetryAfterMs);
  }
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) {
    return undefined;
  }
  // RFC 9110 §5.6.7: recipients accept all three forms. asctime, which has no zone, is also UTC.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), maxRetryAfterMs);
}

export function writes(request: Request): boolean {
  return request.method !== "GET";
}

/**
  * Whether the request cannot be applied twice: it changes nothing, or its condition no longer holds once it is applied. That
 * is true for one entity tag and for "it does not exist"; `If-Match: *` still holds afterwards.
 */
export function cannotDouble(request: Request): boolean {
  return (
    !writes(request) ||
    /^(W\/)?"[^"]*"$/.test(request.headers.get("if-match") ?? "") ||
    request.headers.get("if-none-match") === "*"
  );
}

/** Whether the request may have been applied despite this status. 429 and 503 mean that it was not. */
export function leavesOpen(status: number): boolean {
  return status >= 500 && status !== 503;
}

/** Whether another try is useful and safe. */
export function mayRepeat(failure: unknown, request: Request): boolean {
  if (failure instanceof GraphError) {
    const { status } = failure;
    return status === 429 || status === 503 || ([502, 504].includes(status) && cannotDouble(request));
  }
  return failure instanceof ConnectionError && cannotDouble(request);
}
