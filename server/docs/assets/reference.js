// Opens Swagger UI on the document and fixes it: names for all fields, no links inside buttons, and tokens.
"use strict";

const root = document.getElementById("reference");
const { tokenPath, tokenForm } = root.dataset;

// withPastedTokens replaces schemes that send the reader to another origin by a field for a token, because the page may only
// call its own origin.
function withPastedTokens(spec) {
	for (const scheme of Object.values(spec.components?.securitySchemes ?? {})) {
		if (scheme.type !== "oauth2" && scheme.type !== "openIdConnect") continue;
		const addresses = Object.values(scheme.flows ?? {}).map((f) => f.tokenUrl).filter(Boolean);
		const from = scheme.openIdConnectUrl ?? addresses[0];
		scheme.description = [scheme.description, from && `Tokens are issued at ${from}.`].filter(Boolean).join("\n\n");
		scheme.type = "http";
		scheme.scheme = "bearer";
	}
	return spec;
}

// atThisServer reduces the address of a foreign server to its path: requests go to the page's own origin.
function atThisServer(spec) {
	const paths = new Map();
	for (const server of spec.servers ?? []) {
		if (!server.url.includes("://")) {
			paths.set(server.url, server);
		} else {
			const path = server.url.replace(/^[^:]*:\/\/[^/]*/, "") || "/";
			paths.set(path, { ...server, url: path });
		}
	}
	if (paths.size > 0) spec.servers = [...paths.values()];
	return spec;
}

// parametersOf returns the parameters of a document, wherever they are.
function parametersOf(spec) {
	const items = Object.values(spec.paths ?? {});
	const operations = items.flatMap((item) => Object.values(item)).filter((o) => o && typeof o === "object");
	return [...Object.values(spec.components?.parameters ?? {}), ...[...items, ...operations].flatMap((o) => o.parameters ?? [])];
}

// withoutOptionalValues moves the examples of optional parameters into their descriptions: Swagger UI would send them, and
// an example If-Match fails.
function withoutOptionalValues(spec) {
	for (const parameter of parametersOf(spec)) {
		if (parameter.required || parameter.$ref) continue;
		const example = parameter.example ?? parameter.schema?.example;
		delete parameter.example;
		delete parameter.examples;
		if (parameter.schema) delete parameter.schema.example;
		if (example === undefined) continue;
		const shown = typeof example === "string" ? example : JSON.stringify(example);
		parameter.description = [parameter.description, `Example: \`${shown}\``].filter(Boolean).join("\n\n");
	}
	return spec;
}

// issued is the last token of the development issuer. It is replaced before it expires.
let issued = { token: "", until: 0 };

async function fetchToken() {
	if (Date.now() < issued.until) return issued.token;
	const response = await fetch(tokenPath, { method: "POST", body: new URLSearchParams(tokenForm) });
	const { access_token: token, expires_in: seconds } = await response.json();
	issued = { token, until: Date.now() + (seconds - 60) * 1000 };
	return token;
}

async function addToken(request) {
	const isOurs = new URL(request.url, location.href).origin === location.origin;
	if (tokenPath && isOurs && !request.headers.Authorization) request.headers.Authorization = `Bearer ${await fetchToken()}`;
	return request;
}

// plugin replaces components of Swagger UI: a link inside an operation's button is not reachable by keyboard, and with a
// development issuer there is no token to enter.
function plugin({ React }) {
	const nothing = () => () => null;
	const text = () => ({ path, text: shown }) => React.createElement("span", { className: "nostyle" }, shown ?? path);
	const tokens = tokenPath ? { authorizeBtn: nothing, authorizeOperationBtn: nothing } : {};
	return { wrapComponents: { DeepLink: text, ...tokens } };
}

// names are the names of unlabeled fields, by their surroundings.
const names = [
	[".copy-to-clipboard button", () => "Copy"],
	[".close-modal", () => "Close"],
	["#servers", () => "Server"],
	["tr[data-param-name] :is(select, textarea, input)", (e) => e.closest("tr").dataset.paramName],
	[".opblock-section-request-body .content-type-wrapper select, select.content-type", () => "Media type"],
	["select.examples-select-element", () => "Example"],
	[".opblock-section-request-body :is(textarea, select, input)", () => "Request body"],
	[".responses-wrapper select", () => "Media type of the response"],
	[".auth-container input", () => "Token"],
];

function mend() {
	for (const [selector, name] of names) {
		for (const field of root.querySelectorAll(selector)) {
			if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", name(field));
		}
	}
	for (const table of root.querySelectorAll("table[role=region]")) table.removeAttribute("role");
	for (const button of root.querySelectorAll(".auth-btn-wrapper .btn[aria-label]")) button.removeAttribute("aria-label"); // it hides the text
	for (const scrolled of root.querySelectorAll(".highlight-code pre, .curl-command pre")) scrolled.tabIndex = 0;
}

async function show() {
	const response = await fetch("/openapi.json?bundle");
	const spec = withoutOptionalValues(withPastedTokens(atThisServer(await response.json())));
	new MutationObserver(mend).observe(root, { childList: true, subtree: true });
	SwaggerUIBundle({
		spec, domNode: root, plugins: [plugin], requestInterceptor: addToken,
		deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true, validatorUrl: null, defaultModelsExpandDepth: 0,
	});
}

show().catch(() => {
	document.getElementById("status").textContent = "The document could not be loaded. Reload the page.";
});
