// Starts a gateway in monitor mode, sends it mixed traffic, and checks its live view in Chromium.
// usage: look.js PFXRD CHROMIUM [FOLDER for pictures]
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { checkAccess, checkKeyboard, open, picture, screens } from "./page.js";
import { allCalls, send, startGateway, startUpstream } from "./traffic.js";

const [pfxrd, executablePath, pictures] = process.argv.slice(2);
if (pictures) mkdirSync(pictures, { recursive: true });

const answer = (page) => page.locator("#preview .answer").innerText();
const followed = (page) => page.locator("#live.on").waitFor();
const openDetails = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

// checkCopy copies a policy line with the keyboard.
async function checkCopy(page) {
	const button = page.locator("#preview td button.copy").first();
	const line = await page.locator("#preview td code").first().innerText();
	await button.focus();
	await page.keyboard.press("Enter");
	await page.locator("#live", { hasText: "Copied" }).waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
	assert.match(line, /^(operations|requests|responses): \{.*: monitor\}.*\}$/);
}

// checkUpdate sends more calls and waits for the page to update. Open sections stay open, and the focus stays.
async function checkUpdate(page, gateway) {
	await page.locator("#these summary").click();
	const before = await answer(page);
	await send(gateway.url, { method: "GET", path: "/orders?limit=none" });
	await page.waitForFunction((text) => document.querySelector("#preview .answer").innerText !== text, before);
	assert.ok(await page.locator("#these").evaluate((d) => d.open), "the list is open after an update");
	assert.equal(await page.evaluate(() => document.activeElement.closest("details")?.id), "these", "the focus after an update");
}

async function look(browser, gateway) {
	for (const [name, options] of Object.entries(screens)) {
		const { page, close } = await open(browser, gateway.admin, options);
		await followed(page);
		await picture(page, pictures, `${name} top`, { clip: { x: 0, y: 0, width: options.viewport.width, height: 1500 }, fullPage: true });
		await openDetails(page);
		await checkAccess(page, name);
		await picture(page, pictures, name);
		await close();
	}
	const { page, close } = await open(browser, gateway.admin, screens.light);
	await followed(page);
	await picture(page, pictures, "first view");
	await checkKeyboard(page);
	await checkCopy(page);
	await checkUpdate(page, gateway);
	await close();
	const plain = await open(browser, gateway.admin, { ...screens.light, javaScriptEnabled: false });
	await picture(plain.page, pictures, "without script");
	assert.match(await answer(plain.page), /^Enforcing would have refused/);
	assert.equal(await plain.page.locator("button.copy:visible").count(), 0);
	await plain.close();
}

// With enforcement, as many of the same calls are refused as the page predicted.
async function compare(browser, watching, enforcing) {
	const { page, close } = await open(browser, watching.admin, screens.light);
	const said = await answer(page);
	await close();
	let refused = 0;
	for (const call of allCalls()) refused += (await send(enforcing.url, call)).refused ? 1 : 0;
	assert.equal(said, `Enforcing would have refused ${refused} of ${allCalls().length.toLocaleString("en")} requests.`);
	return said;
}

const upstream = await startUpstream();
const gateways = [];
let browser;
try {
	const watching = await startGateway(pfxrd, upstream.url, "monitor");
	gateways.push(watching);
	const enforcing = await startGateway(pfxrd, upstream.url, "enforce");
	gateways.push(enforcing);
	browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
	const empty = await open(browser, watching.admin, screens.light);
	await followed(empty.page);
	assert.equal(await answer(empty.page), "There were no requests.");
	await checkAccess(empty.page, "empty");
	await picture(empty.page, pictures, "empty");
	await empty.close();
	for (const call of allCalls()) await send(watching.url, call);
	const said = await compare(browser, watching, enforcing);
	await look(browser, watching);
	const done = await open(browser, enforcing.admin, screens.dark);
	await followed(done.page);
	await checkAccess(done.page, "enforced");
	await picture(done.page, pictures, "enforced");
	await done.close();
	console.log(`The live view is right in Chromium ${browser.version()}. It says: ${said}`);
} finally {
	await browser?.close();
	for (const g of gateways) await g.stop();
	upstream.stop();
}
