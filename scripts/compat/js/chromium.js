// Runs the TypeScript package in a page of headless Chromium, whose origin differs from the server's.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const types = { html: "text/html", js: "text/javascript", mjs: "text/javascript" };
const page = `<!doctype html><script type="importmap">{"imports":{"openapi-fetch":"/gen/typescript/node_modules/openapi-fetch/dist/index.mjs"}}</script>
<script type="module">
import * as client from "/gen/typescript/dist/index.js";
import { makeCalls } from "/scripts/compat/js/typescript.js";
window.connect = (baseUrl, token) => { window.make = makeCalls(client, baseUrl, token); };
window.ready = true;
</script>`;

/** Serves the page and the modules that it imports, on a port of its own. */
async function servePage() {
  const root = new URL("../../../", import.meta.url);
  const server = createServer(async (request, response) => {
    const path = request.url === "/" ? "index.html" : request.url.slice(1);
    try {
      const body = path === "index.html" ? page : await readFile(new URL(path, root));
      response.writeHead(200, { "Content-Type": types[path.split(".").at(-1)] }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/` };
}

/** Returns a function that makes calls in the page. */
export async function openPage(baseUrl, token) {
  const require = createRequire(new URL("../../browser/package.json", import.meta.url));
  const { chromium } = require("playwright-core");
  const { server, url } = await servePage();
  const browser = await chromium.launch({ executablePath: process.env.PFXR_TEST_CHROMIUM, args: ["--no-sandbox"] });
  const tab = await browser.newPage();
  tab.on("pageerror", (e) => console.error(String(e)));
  await tab.goto(url);
  await tab.waitForFunction(() => window.ready);
  await tab.evaluate(([baseUrl, token]) => window.connect(baseUrl, token), [baseUrl, token]);
  const make = (call) => tab.evaluate((call) => window.make(call), call);
  make.close = async () => {
    await browser.close();
    server.close();
  };
  return make;
}
