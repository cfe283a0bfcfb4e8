// Checks the pages of a server in Chromium: the landing page, and the reference, from which it sends requests.
// usage: docs.js PFXRD CHROMIUM [FOLDER for pictures]
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { checkAccess, checkKeyboard, open, picture, screens } from "./page.js";
import { start } from "./server.js";

const [pfxrd, executablePath, pictures] = process.argv.slice(2);
const temporary = mkdtempSync(join(tmpdir(), "docs"));
if (pictures) mkdirSync(pictures, { recursive: true });

const operations = (page) => page.locator(".opblock");
const isShown = (page) => operations(page).first().waitFor();

// openAll opens each operation and the schemas.
async function openAll(page) {
	const closed = page.locator(".opblock-summary-control[aria-expanded=false], .models-control[aria-expanded=false]").first();
	while (await closed.count() > 0) await closed.click();
	await page.locator(".opblock .btn.execute").last().waitFor();
}

async function lookAt(browser, url) {
	for (const [name, options] of Object.entries(screens)) {
		const landing = await open(browser, `${url}/`, options);
		await checkAccess(landing.page, `landing, ${name}`);
		await picture(landing.page, pictures, `landing ${name}`);
		await landing.close();
		const { page, close } = await open(browser, `${url}/docs`, options);
		await isShown(page);
		await checkAccess(page, `reference, ${name}`);
		await picture(page, pictures, `reference ${name}`);
		if (["dark", "phone"].includes(name)) { // axe is slow, and these two differ in colours and in width
			await openAll(page);
			await checkAccess(page, `reference with all open, ${name}`);
			await picture(page, pictures, `reference open ${name}`);
		}
		await close();
	}
}

// checkLanding copies the command with the keyboard, and reads the page without JavaScript.
async function checkLanding(browser, url) {
	const { page, close } = await open(browser, `${url}/`, screens.light);
	await checkKeyboard(page);
	const command = await page.locator(".command code").first().innerText();
	assert.match(command, new RegExp(`${url}/beta/pfxRecryptionRequests/sample`));
	await page.locator(".copy").first().focus();
	await page.keyboard.press("Enter");
	await page.getByText("Copied").waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command);
	await close();
	const plain = await open(browser, `${url}/`, { ...screens.light, javaScriptEnabled: false });
	assert.equal(await plain.page.locator(".copy:visible").count(), 0);
	await plain.close();
}

// execute opens an operation with only the keyboard and sends the filled-in request.
async function execute(page, id) {
	const operation = page.locator(`.opblock[id$="-${id}"]`);
	const summary = operation.locator(".opblock-summary-control");
	await summary.focus();
	await page.keyboard.press("Enter");
	const button = operation.locator(".btn.execute");
	await button.focus();
	await page.keyboard.press("Enter");
	const response = operation.locator(".live-responses-table .response").first();
	await response.waitFor();
	return { operation, status: await response.locator(".response-col_status").innerText(), body: await response.innerText() };
}

// checkCalls sends each operation of the contract as filled in, with a token of the development issuer.
async function checkCalls(browser, url) {
	const { page, close } = await open(browser, `${url}/docs`, screens.light);
	await isShown(page);
	const got = {};
	for (const [id, status] of [["updatePfxRecryptionRequest", "200"], ["getPfxRecryptionRequest", "200"], ["listPfxRecryptionRequests", "200"], ["sendBatch", "200"], ["createPfxRecryptionRequest", "201"], ["deletePfxRecryptionRequest", "204"]]) {
		const { operation, status: said, body } = await execute(page, id);
		got[id] = said.trim();
		if (id === "updatePfxRecryptionRequest") {
			assert.match(body, /"thumbprint": "Thumbprint value"/);
			await checkAccess(page, "reference with a response");
			await picture(operation, pictures, "update", {});
		}
		if (id === "sendBatch") assert.equal(body.match(/"status": 200/g)?.length, 2, `each response of ${body}`);
		assert.match(said, new RegExp(`^${status}`), `${id}: ${body}`);
	}
	await close();
	const one = await open(browser, `${url}/docs`, screens.light);
	await isShown(one.page);
	await operations(one.page).last().locator(".opblock-summary-control").click();
	await one.page.locator(".opblock .btn.execute").waitFor();
	await checkKeyboard(one.page);
	await one.close();
	return got;
}

// checkPaste enters a token on a server without an issuer, and sends it.
async function checkPaste(browser, url) {
	const { page, close } = await open(browser, `${url}/docs`, screens.dark);
	await isShown(page);
	await page.locator(".btn.authorize").click();
	await page.locator(".auth-container input").first().waitFor();
	await checkAccess(page, "authorization");
	await picture(page, pictures, "authorize");
	await page.locator(".auth-container input").first().fill("a.b.c");
	await page.keyboard.press("Enter");
	await page.locator(".btn-done").first().click();
	const sent = page.waitForRequest((r) => r.url().includes("/beta/"));
	await page.route("**/beta/**", (r) => r.fulfill({ json: { value: [] } }));
	await execute(page, "listPfxRecryptionRequests");
	assert.equal((await sent).headers().authorization, "Bearer a.b.c");
	await close();
}

const servers = [];
let browser;
try {
	const development = await start(pfxrd, "serve", "--dev", "--store", `sqlite:${join(temporary, "dev.db")}`);
	servers.push(development);
	const real = await start(pfxrd, "serve", "--store", `sqlite:${join(temporary, "real.db")}`, "--issuer", "https://login.example/v2.0", "--audience", "api://x");
	servers.push(real);
	browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
	await checkLanding(browser, development.url);
	const got = await checkCalls(browser, development.url);
	await checkPaste(browser, real.url);
	await lookAt(browser, development.url);
	console.log(`The pages are right in Chromium ${browser.version()}. "Execute" got ${JSON.stringify(got)}`);
} finally {
	await browser?.close();
	for (const s of servers) await s.stop();
	rmSync(temporary, { recursive: true });
}
