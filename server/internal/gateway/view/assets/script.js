// The page is complete without this script. It keeps the sections current, and copies policy lines.
"use strict";

const live = document.getElementById("live");
let said = 0;

function say(text, on) {
	live.classList.toggle("on", on);
	live.textContent = text;
}

// replace inserts a section's new content and keeps what the reader has opened, scrolled or focused.
function replace(section, html) {
	const open = [...section.querySelectorAll("details[open]")].map((d) => d.id);
	const scrolled = [...section.querySelectorAll(".scroll")].map((s) => s.scrollLeft);
	const focused = section.contains(document.activeElement) ? document.activeElement : null;
	const tables = [...section.querySelectorAll(".scroll, summary")];
	const at = tables.indexOf(focused);
	section.innerHTML = html;
	for (const id of open) {
		const details = document.getElementById(id);
		if (details) details.open = true;
	}
	section.querySelectorAll(".scroll").forEach((s, i) => { s.scrollLeft = scrolled[i] || 0; });
	const again = focused && (focused.id ? document.getElementById(focused.id) : section.querySelectorAll(".scroll, summary")[at]);
	if (again) again.focus({ preventScroll: true });
}

// A section with selected text is updated once nothing is selected.
const waiting = new Map();

function selected(section) {
	const selection = document.getSelection();
	return selection && !selection.isCollapsed && section.contains(selection.anchorNode);
}

function show() {
	for (const [id, html] of waiting) {
		const section = document.getElementById(id);
		if (selected(section)) continue;
		waiting.delete(id);
		replace(section, html);
	}
}

function follow() {
	const events = new EventSource("/view/events");
	events.addEventListener("open", () => say("Live", true));
	events.addEventListener("error", () => {
		say(events.readyState === EventSource.CLOSED ? "Not live: reload the page for later figures." : "Not live: the gateway does not answer.", false);
	});
	events.addEventListener("section", (e) => {
		const { id, html } = JSON.parse(e.data);
		waiting.set(id, html);
		show();
	});
	document.addEventListener("selectionchange", show);
}

async function copy(button) {
	const source = document.getElementById(button.dataset.copy);
	let done = true;
	try {
		await navigator.clipboard.writeText(source.textContent);
	} catch {
		document.getSelection().selectAllChildren(source); // the clipboard needs a secure context
		done = document.execCommand("copy");
		if (done) document.getSelection().removeAllRanges();
	}
	const was = live.textContent, on = live.classList.contains("on");
	const mine = ++said;
	say(done ? "Copied" : "Not copied: the line is selected", on);
	setTimeout(() => { if (mine === said) say(was === "Copied" ? "Live" : was, on); }, 2000);
}

document.documentElement.classList.add("js");
document.addEventListener("click", (e) => {
	const button = e.target.closest("button.copy");
	if (button) copy(button);
});
follow();
