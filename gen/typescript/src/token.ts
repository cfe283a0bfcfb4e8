import { TokenError } from "./errors.js";

/** Gives the token of each try. */
export interface TokenSource {
  token(): Promise<string>;
  /** Says that the server refused a token; true if there may be another. */
  refused(token: string): boolean;
}

/**
 * Returns a token. It is called before the first request, and again when the server has refused the token, which it is
 * then given; never twice at a time.
 */
export type GetToken = (refused?: string) => string | Promise<string>;

export function staticToken(token: string): TokenSource {
  checkToken(token, "token");
  return { token: () => Promise.resolve(token), refused: () => false };
}

/** Keeps the token until the server refuses it. All callers share one refresh. */
export function providedToken(getToken: GetToken): TokenSource {
  let current: Promise<string> | undefined;
  let known: string | undefined; // what current has resolved to
  let last: string | undefined; // what the server refused last

  async function ask(): Promise<string> {
    try {
      known = checkToken(await getToken(last), "what getToken returns");
      return known;
    } catch (err) {
      current = undefined; // the next caller asks again
      throw new TokenError(err);
    }
  }
  return {
    token: () => (current ??= ask()),
    refused(token) {
      // Another caller may have had the same token refused, and asked for a new one already.
      if (token === known) {
        current = known = undefined;
        last = token;
      }
      return true;
    },
  };
}

function checkToken(token: unknown, what: string): string {
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError(`${what} must be a string of visible ASCII characters, and not empty`);
  }
  return token;
}
