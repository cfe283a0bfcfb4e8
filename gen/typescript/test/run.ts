// Builds and starts the real server, runs the test files of its arguments against it, and stops the server.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../../../", import.meta.url));

/** Returns the server's address once it serves. */
async function serving(server: ChildProcess): Promise<string> {
  const seen: string[] = [];
  for await (const line of createInterface({ input: server.stderr! })) {
    seen.push(line);
    const { msg, url } = JSON.parse(line) as { msg: string; url: string };
    if (msg === "serving") {
      server.stderr!.resume();
      return url;
    }
  }
  throw new Error(`The server does not serve:\n${seen.join("\n")}`);
}

const work = mkdtempSync(join(tmpdir(), "pfxr-"));
let server: ChildProcess | undefined;
try {
  const program = join(work, "pfxrd");
  execFileSync("go", ["build", "-trimpath", "-o", program, "./server/cmd/pfxrd"], { cwd: repository, stdio: "inherit" });
  const store = `sqlite:${join(work, "test.db")}`;
  server = spawn(program, ["serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "", "--store", store], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const env = { ...process.env, PFXR_TEST_URL: await serving(server) };
  const tests = spawn(process.execPath, ["--test", "--test-reporter=spec", ...process.argv.slice(2)], { env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => tests.kill(signal)); // the server is stopped below
  }
  const [code] = (await once(tests, "exit")) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  if (server?.kill()) {
    await once(server, "exit");
  }
  rmSync(work, { recursive: true });
}
