import { TokenError } from "./errors.js";

/** Supplies the token of each try. */
export interface TokenSource {
  token(): Promise<string>;
  /** Records that the server refused a token; true if there may be another. */
  refused(token: string): boolean;
}

/**
  * Returns a token. It is called before the first request, and again with the refused token when the server refuses one;
 * never concurrently.
 */
export type GetToken = (refused?: string) => string | Promise<string>;

export function staticToken(token: string): TokenSource {
  checkToken(token, "token");
  return { token: () => Promise.resolve(token), refused: () => false };
}

/** Keeps the token until the server refuses it. All callers share one refresh. */
export function providedToken(getToken: GetToken): TokenSource {
  let current: Promise<string> | undefined;
  let known: string | undefined; // the value of current
  let last: string | undefined; // the token that the server refused last

  async function ask(): Promise<string> {
    try {
      known = checkToken(await getToken(last), "what getToken returns");
      return known;
    } catch (err) {
      current = undefined; // the next caller tries again
      throw new TokenError(err);
    }
  }
  return {
    token: () => (current ??= ask()),
    refused(token) {
      // The same token may have been refused to another caller, which has requested a new one.
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
