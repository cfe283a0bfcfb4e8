// Starts a gateway that watches, sends it mixed traffic, and looks at its live view in Chromium.
// usage: look.js PFXRD CHROMIUM [FOLDER for pictures]
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { allCalls, send, startGateway, startUpstream } from "./traffic.js";

const [pfxrd, executablePath, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const temporary = folder ? null : mkdtempSync(join(tmpdir(), "view"));
const pictures = folder || temporary;
mkdirSync(pictures, { recursive: true });

const screens = {
	light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
	dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
	phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: "reduce" },
	"phone dark": { colorScheme: "dark", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

// open opens the page and fails for each error, each violation of its policy, and each request that leaves its origin.
async function open(browser, url, options) {
	const context = await browser.newContext({ ...options, permissions: ["clipboard-read", "clipboard-write"] });
	const wrong = [];
	await context.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
	});
	const page = await context.newPage();
	page.on("console", (m) => { if (["error", "warning"].includes(m.type())) wrong.push(m.text()); });
	page.on("pageerror", (e) => wrong.push(String(e)));
	page.on("request", (r) => { if (new URL(r.url()).origin !== new URL(url).origin) wrong.push(`a request to ${r.url()}`); });
	page.on("response", (r) => { if (r.status() >= 400) wrong.push(`${r.status()} for ${r.url()}`); });
	await page.goto(url, { waitUntil: "load" });
	return { page, close: async () => { await context.close(); assert.deepEqual(wrong, []); } };
}

const answer = (page) => page.locator("#preview .answer").innerText();
const followed = (page) => page.locator("#live.on").waitFor();
const openDetails = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

// checkAccess looks for violations with axe, and for content that is wider than the screen.
async function checkAccess(page, name) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } }));
	assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`), [], `axe, ${name}`);
	const width = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
	assert.ok(width[0] <= width[1], `${name}: ${width[0]} is wider than ${width[1]}`);
}

async function picture(page, name) {
	await page.screenshot({ path: join(pictures, `${name.replace(" ", "-")}.png`), fullPage: true });
}

// checkKeyboard walks with Tab: everything that can be used is reached, and no other thing.
async function checkKeyboard(page) {
	const want = await page.evaluate(() => [...document.querySelectorAll("a[href], button, summary, [tabindex='0']")].filter((e) => e.checkVisibility()).length);
	const reached = new Set();
	await page.evaluate(() => document.body.focus());
	for (let i = 0; i < want + 5; i++) {
		await page.keyboard.press("Tab");
		reached.add(await page.evaluate(() => {
			const e = document.activeElement;
			if (e === document.body) return "";
			return [...document.querySelectorAll("*")].indexOf(e);
		}));
	}
	reached.delete("");
	assert.equal(reached.size, want, "what the keyboard reaches");
}

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

// checkUpdate sends more and waits for the page to tell. What was open stays open, and the focus where it was.
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
		await page.screenshot({ path: join(pictures, `${name.replace(" ", "-")}-top.png`), clip: { x: 0, y: 0, width: options.viewport.width, height: 1500 }, fullPage: true });
		await openDetails(page);
		await checkAccess(page, name);
		await picture(page, name);
		await close();
	}
	const { page, close } = await open(browser, gateway.admin, screens.light);
	await followed(page);
	await picture(page, "first view");
	await checkKeyboard(page);
	await checkCopy(page);
	await checkUpdate(page, gateway);
	await close();
	const plain = await open(browser, gateway.admin, { ...screens.light, javaScriptEnabled: false });
	await picture(plain.page, "without script");
	assert.match(await answer(plain.page), /^Enforcing would have refused/);
	assert.equal(await plain.page.locator("button.copy:visible").count(), 0);
	await plain.close();
}

// Enforcing the same calls refuses as many as the page has said.
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
	await picture(empty.page, "empty");
	await empty.close();
	for (const call of allCalls()) await send(watching.url, call);
	const said = await compare(browser, watching, enforcing);
	await look(browser, watching);
	const done = await open(browser, enforcing.admin, screens.dark);
	await followed(done.page);
	await checkAccess(done.page, "enforced");
	await picture(done.page, "enforced");
	await done.close();
	console.log(`The live view is right in Chromium ${browser.version()}. It says: ${said}`);
} finally {
	await browser?.close();
	for (const g of gateways) await g.stop();
	upstream.stop();
	if (temporary) rmSync(temporary, { recursive: true });
}
