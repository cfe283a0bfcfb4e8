import { MalformedAnswerError } from "./errors.js";

/** A page as the server sent it. */
export interface Page {
  readonly value: readonly unknown[];
  readonly nextLink: string | undefined;
}

/** Returns body as a page. */
export function checkPage(body: unknown): Page {
  const { value, "@odata.nextLink": nextLink } = (body ?? {}) as Record<string, unknown>;
  if (!Array.isArray(value) || (nextLink !== undefined && typeof nextLink !== "string")) {
    throw new MalformedAnswerError("the response is not a page of objects");
  }
  return { value, nextLink };
}

/** Returns the URL of the next page. It must be on the client's server, because the request has the token. */
export function followable(link: string, base: URL): URL {
  const next = URL.canParse(link) ? new URL(link) : undefined;
  const below = `${base.pathname.replace(/\/$/, "")}/`;
  if (next?.origin !== base.origin || !next.pathname.startsWith(below) || next.username || next.password) {
    throw new MalformedAnswerError("its next page is not below the base URL");
  }
  return next;
}
