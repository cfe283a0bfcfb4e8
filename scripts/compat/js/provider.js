// A foreign OpenID provider, with access tokens by RFC 9068. It prints its issuer, and responds to each line of standard
// input with one line. rotate makes new keys and withdraws all but the last ones; withdraw also withdraws those. The
// response has a token of each algorithm.
// usage: node provider.js TENANT ROLE
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

console.info = console.warn = () => {}; // each rotation would repeat its advice for production between the responses

const [tid, role] = process.argv.slice(2);
const algorithms = { "api://rs256": "RS256", "api://es256": "ES256" };

function makeKeys() {
  generation++;
  const make = (alg, type, options) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `${alg}-${generation}`,
  });
  return [make("RS256", "rsa", { modulusLength: 2048 }), make("ES256", "ec", { namedCurve: "P-256" })];
}

function makeProvider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: [{ client_id: "app", client_secret: "secret", grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 3600, jwt: { sign: { alg: algorithms[resource] } },
        }),
      },
    },
    extraTokenClaims: () => ({ tid, roles: [role] }),
  });
}

let generation = 0;
let keys = [makeKeys()];
let handle;
const server = createServer((req, res) => handle(req, res));
server.keepAliveTimeout = 0; // otherwise it may close a connection that a busy machine is about to reuse
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const publish = () => { handle = makeProvider(issuer, keys.flat()).callback(); };
publish();
process.stdout.write(issuer + "\n");

async function token(resource) {
  const answer = await fetch(issuer + "/token", {
    method: "POST",
    headers: { authorization: "Basic " + btoa("app:secret") },
    body: new URLSearchParams({ grant_type: "client_credentials", resource }),
  });
  const body = await answer.json();
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return body.access_token;
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "rotate") keys = [makeKeys(), keys[0]];
  if (line === "withdraw") keys = [makeKeys()];
  publish();
  process.stdout.write(JSON.stringify(await Promise.all(Object.keys(algorithms).map(token))) + "\n");
}
process.exit(0);
