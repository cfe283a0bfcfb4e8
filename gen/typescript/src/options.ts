import { providedToken, staticToken, type GetToken, type TokenSource } from "./token.js";

/** Options of {@link createClient}. They have either a token or a function that returns one. */
export type ClientOptions = Settings & (WithToken | WithGetToken);

interface WithToken {
  /** Sent with every request. */
  token: string;
  getToken?: never;
}

interface WithGetToken {
  token?: never;
  /** Called for a token before the first request, and once more if the server refuses the token. */
  getToken: GetToken;
}

interface Settings {
  /** The server's URL with its base path, such as `https://graph.example.com/beta`. */
  baseUrl: string;
  /** Sends the requests; by default the platform's `fetch`. */
  fetch?: typeof fetch;
  /** The most tries of a request: 1 to 100, by default 5. */
  tries?: number;
  /** The time limit of a try in milliseconds: 1 to 2,147,483,647, by default 10,000. */
  tryTimeoutMs?: number;
  /** The time limit of a call with all its tries and waits in milliseconds; by default 60,000. */
  timeoutMs?: number;
}

/** The options with their defaults. */
export interface CheckedOptions {
  base: URL;
  tokens: TokenSource;
  fetch: typeof fetch;
  tries: number;
  tryTimeoutMs: number;
  timeoutMs: number;
}

/** The longest time of a timer, in milliseconds. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Throws a TypeError or a RangeError that names the invalid option. */
export function checkOptions(options: ClientOptions): CheckedOptions {
  const { token, getToken } = options;
  if ((token === undefined) === (getToken === undefined)) {
    throw new TypeError("give either token or getToken");
  }
  return {
    base: checkBase(options.baseUrl),
    tokens: getToken === undefined ? staticToken(token) : providedToken(getToken),
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    tries: between("tries", options.tries ?? 5, 100),
    tryTimeoutMs: between("tryTimeoutMs", options.tryTimeoutMs ?? 10_000, maxTimeoutMs),
    timeoutMs: between("timeoutMs", options.timeoutMs ?? 60_000, maxTimeoutMs),
  };
}

function checkBase(baseUrl: string): URL {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash) {
    throw new TypeError("baseUrl must be http or https, with a host and without user, query or fragment");
  }
  return base;
}

function between(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new RangeError(`${name} is ${value}, but must be an integer from 1 to ${max}`);
  }
  return value;
}
