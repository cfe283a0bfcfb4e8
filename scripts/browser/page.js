// Opens pages in Chromium as a strict reader: whatever a person with a keyboard, a phone or a dark screen would miss fails.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const screens = {
	light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
	dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
	phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: "reduce" },
	"phone dark": { colorScheme: "dark", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

// open opens a page. close fails for each error, each violation of the page's policy, and each request that left its origin.
export async function open(browser, url, options) {
	const context = await browser.newContext({ ...options, permissions: ["clipboard-read", "clipboard-write"] });
	const wrong = [];
	await context.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
	});
	const page = await context.newPage();
	page.on("console", (m) => { if (["error", "warning"].includes(m.type())) wrong.push(m.text()); });
	page.on("pageerror", (e) => wrong.push(String(e)));
	page.on("request", (r) => {
		if (!r.url().startsWith("data:") && new URL(r.url()).origin !== new URL(url).origin) wrong.push(`a request to ${r.url()}`);
	});
	page.on("response", (r) => { if (r.status() >= 400) wrong.push(`${r.status()} for ${r.url()}`); });
	await page.goto(url, { waitUntil: "load" });
	return { page, close: async () => { await context.close(); assert.deepEqual(wrong, []); } };
}

// checkAccess looks for violations with axe, and for content wider than the screen.
export async function checkAccess(page, name) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } }));
	const places = (v) => [...new Set(v.nodes.map((n) => String(n.target).split(/[ >]+/).slice(-2).join(" ").replace(/:nth-child\(\d+\)/g, "")))];
	assert.deepEqual(violations.map((v) => `${v.id} ${v.nodes.length}: ${places(v).slice(0, 20).join(", ")}`), [], `axe, ${name}`);
	const width = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
	assert.ok(width[0] <= width[1], `${name}: ${width[0]} is wider than ${width[1]}`);
}

// picture saves a page or an element, if there is a folder: a picture of a long page takes seconds.
export const picture = (of, folder, name, options = { fullPage: true }) => folder && of.screenshot({ path: join(folder, `${name.replaceAll(" ", "-")}.png`), ...options });

// checkKeyboard moves with Tab: it must reach every control, and nothing else.
export async function checkKeyboard(page) {
	const usable = "a[href], button:enabled, summary, select:enabled, input:enabled, textarea:enabled, [tabindex='0']";
	const want = await page.evaluate((s) => [...document.querySelectorAll(s)].filter((e) => e.checkVisibility() && e.tabIndex === 0).length, usable);
	await page.evaluate(() => {
		window.reached = new Set();
		document.addEventListener("focusin", (e) => window.reached.add(e.target));
		document.body.focus();
	});
	for (let i = 0; i < want + 5; i++) await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => window.reached.size), want, "what the keyboard reaches");
}
