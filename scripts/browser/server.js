// Runs pfxrd until it is asked to end.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

// start runs the program on free ports and returns its addresses from its log line.
export async function start(pfxrd, ...args) {
	const child = spawn(pfxrd, [...args, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--drain-delay", "0s"], { stdio: ["ignore", "ignore", "pipe"] });
	const ended = new Promise((resolve) => child.once("exit", resolve));
	const lines = createInterface({ input: child.stderr });
	const serving = await new Promise((resolve, reject) => {
		lines.on("line", (line) => {
			const said = JSON.parse(line);
			if (said.msg === "serving") resolve(said);
		});
		ended.then(() => reject(new Error(`pfxrd ${args[0]} ended`)));
	});
	return { url: new URL(serving.url).origin, admin: serving.admin, stop: () => { child.kill(); return ended; } };
}
