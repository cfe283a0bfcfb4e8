// Logs in with Microsoft's library for Node.js, unmodified, in each way that needs no person, and prints the access tokens:
// a JSON object with one member for each way.
// usage: node login.js AUTHORITY CLIENT_ID SCOPE REDIRECT_URI
import { createRequire } from "node:module";

const { ConfidentialClientApplication, PublicClientApplication, CryptoProvider } = createRequire(import.meta.url)("@azure/msal-node");

const [authority, clientId, scope, redirectUri] = process.argv.slice(2);
const auth = { clientId, authority, knownAuthorities: [new URL(authority).host] };

async function clientCredentials() {
  const app = new ConfidentialClientApplication({ auth: { ...auth, clientSecret: "any" } });
  return app.acquireTokenByClientCredential({ scopes: [scope] });
}

// The user's browser follows the redirect to the application, which has the code in its address.
async function authorizationCode() {
  const app = new PublicClientApplication({ auth });
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes: [scope], redirectUri, codeChallenge: challenge, codeChallengeMethod: "S256", responseMode: "query" };
  const page = await fetch(await app.getAuthCodeUrl(request), { redirect: "manual" });
  const code = new URL(page.headers.get("location")).searchParams.get("code");
  const login = await app.acquireTokenByCode({ scopes: [scope], redirectUri, code, codeVerifier: verifier });
  return app.acquireTokenSilent({ scopes: [scope], account: login.account, forceRefresh: true });
}

async function deviceCode() {
  const app = new PublicClientApplication({ auth });
  return app.acquireTokenByDeviceCode({ scopes: [scope], deviceCodeCallback: () => {} });
}

const tokens = {};
for (const [name, login] of Object.entries({ clientCredentials, authorizationCode, deviceCode })) {
  tokens[name] = (await login()).accessToken;
}
process.stdout.write(JSON.stringify(tokens));
