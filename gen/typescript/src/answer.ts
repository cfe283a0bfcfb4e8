import { ConnectionError, GraphError, MalformedAnswerError, type ErrorDetail } from "./errors.js";
import { fractions } from "./json.js";
import { retryAfterMs } from "./retry.js";

/** The largest body of a response, in bytes after decompression. */
export const maxObjectBytes = 1 << 20;
export const maxPageBytes = 16 << 20;

/** Returns the bytes of a body. It stops reading one that is too large. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read().catch((cause: unknown) => {
      throw new ConnectionError("The connection broke before the response was complete.", { cause });
    });
    if (next === undefined || next.done) {
      break;
    }
    length += next.value.byteLength;
    if (length > maxBytes) {
      reader?.cancel().catch(() => undefined); // the connection is closed in any case
      throw new MalformedAnswerError(`the response is larger than ${maxBytes} bytes`);
    }
    chunks.push(next.value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

function isJSON(response: Response): boolean {
  return /^application\/json[ \t]*(;|$)/i.test(response.headers.get("content-type") ?? "");
}

/** Decodes UTF-8. It rejects invalid bytes instead of replacing them. */
function decode(body: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
}

/** The content of a response: JSON, and the paths of its numbers that are not integer literals. */
export interface Content {
  readonly body: unknown;
  readonly fractions: ReadonlySet<string>;
}

/** Returns the content of the response. Its body is undefined if there is none, as for a 204. */
export async function readAnswer(response: Response, expected: readonly number[], maxBytes: number): Promise<Content> {
  if (!expected.includes(response.status)) {
    throw new MalformedAnswerError(`the contract does not have its status ${response.status}`);
  }
  const body = await readBody(response, maxBytes);
  if (response.status === 204) {
    return { body: undefined, fractions: new Set() };
  }
  if (!isJSON(response)) {
    throw new MalformedAnswerError("the response is not application/json: check baseUrl");
  }
  try {
    const text = decode(body);
    return { body: JSON.parse(text), fractions: fractions(text) };
  } catch (cause) {
    throw new MalformedAnswerError("the response is not JSON", cause);
  }
}

/** Returns the error for a response that is not a success. Its body may be anything. */
export async function readError(response: Response, listed: boolean, clientRequestId: string, now: number): Promise<GraphError> {
  const { status, headers } = response;
  const body: unknown = await readBody(response, maxObjectBytes)
    .then((bytes) => JSON.parse(decode(bytes)))
    .catch(() => undefined);
  const said = isJSON(response) ? member(body, "error") : undefined;
  const code = member(said, "code");
  const message = member(said, "message");
  const details = member(said, "details");
  return new GraphError({
    status,
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" && message !== "" ? message : fallback(response),
    details: Array.isArray(details) ? details.filter(isDetail) : [],
    requestId: headers.get("request-id") ?? undefined,
    clientRequestId,
    retryAfterMs: retryAfterMs(headers.get("retry-after"), Date.parse(headers.get("date") ?? "") || now),
    listed,
  });
}

function fallback(response: Response): string {
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    return "The server redirects, which is not followed: check the base URL.";
  }
  return response.statusText || `The server answered ${response.status}.`;
}

function isDetail(value: unknown): value is ErrorDetail {
  return ["code", "message", "target"].every((name) => typeof member(value, name) === "string");
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
