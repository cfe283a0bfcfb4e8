// The traffic that the live view shows: an upstream, gateways in front of it, and all kinds of calls.
import http from "node:http";
import { start } from "./server.js";

// startUpstream serves the shop. The last part of the path or the query selects the response.
export async function startUpstream() {
	const server = http.createServer((req, res) => {
		req.resume();
		req.on("end", () => {
			res.setHeader("X-Upstream", "shop");
			const json = (status, value) => { res.writeHead(status, { "Content-Type": "application/json" }); res.end(JSON.stringify(value)); };
			if (req.method === "PUT") { res.writeHead(204); res.end(); return; }
			if (req.method === "POST") return json(201, { item: "tea" });
			if (req.url === "/orders/7") return json(200, { item: "tea", discount: 5 });
			if (req.url === "/orders/8") return json(503, { error: "busy" });
			if (req.url === "/orders/9") { req.socket.destroy(); return; }
			if (req.url.startsWith("/orders/")) return json(200, { item: "tea", count: 1 });
			if (req.url.startsWith("/orders")) return json(200, [{ item: "tea" }]);
			if (req.url.startsWith("/status")) return json(200, {});
			return json(404, {});
		});
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { url: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close(); } };
}

// startGateway runs the program with a mode for requests and responses.
export const startGateway = (pfxrd, upstream, mode) =>
	start(pfxrd, "gateway", "--upstream", upstream, "--spec", "shop.yaml", "--requests", mode, "--responses", mode);

const order = (value) => ({ method: "POST", path: "/orders", body: JSON.stringify(value) });
const get = (path) => ({ method: "GET", path });

// allCalls are mostly valid.
export function allCalls() {
	const usual = [get("/orders?limit=5"), get("/orders/1"), get("/orders/2"), order({ item: "tea", count: 2 })];
	const odd = [
		order({ item: "tea", gift: true }), order({ item: "tea", gift: true, "<b>bold</b>": 1 }), order({ count: "two" }), order({ item: "tea", notes: [{ text: 1 }, { text: 2 }] }),
		{ method: "POST", path: "/orders", body: "{" }, { method: "POST", path: "/orders", body: "item=tea", type: "application/x-www-form-urlencoded" },
		get("/orders?limit=1000"), get("/orders?page=2"), get("/orders/seven"), get("/orders/7"), get("/orders/8"), get("/orders/9"),
		get("/status"), get("/wp-login.php"), get("/Orders"), get("/%3Cscript%3Ealert(1)%3C/script%3E"), { method: "DELETE", path: "/orders/1" },
		{ method: "PUT", path: "/orders/1/invoice", body: "<invoice/>", type: "application/xml" },
	];
	const calls = [];
	for (let i = 0; i < 1200; i++) calls.push(usual[i % usual.length]);
	for (let i = 0; i < 5; i++) calls.push(...odd);
	return calls;
}

// send sends a call, and reports whether the gateway refused it or its response.
export function send(url, { method, path, body, type = "application/json" }) {
	return new Promise((resolve, reject) => {
		const headers = body === undefined ? {} : { "Content-Type": type, "Content-Length": Buffer.byteLength(body) };
		const req = http.request(url + path, { method, headers, agent }, (res) => {
			res.resume();
			res.on("end", () => resolve({ refused: res.headers["x-upstream"] === undefined && path !== "/orders/9" }));
		});
		req.on("error", reject);
		req.end(body);
	});
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
