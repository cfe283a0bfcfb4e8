// Each of our rules has a fixture of the same name that breaks it. The fixture's first line is a part of the message.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";

const rules = [...readFileSync(".spectral.yaml", "utf8").matchAll(/^ {2}([a-z-]+):$/gm)].map((match) => match[1]);
const lint = spawnSync(
  "../node_modules/.bin/spectral",
  ["lint", "fixtures/*.yaml", "--ruleset", ".spectral.yaml", "--format", "json", "--quiet"],
  { encoding: "utf8", maxBuffer: 1 << 26 },
);
const found = JSON.parse(lint.stdout);

let failed = 0;
const fail = (text) => {
  failed++;
  console.error(text);
};
const fixtures = new Set(readdirSync("fixtures").map((file) => basename(file, ".yaml")));
for (const fixture of fixtures) {
  if (!rules.includes(fixture)) fail(`fixtures/${fixture}.yaml: unknown rule`);
}
for (const rule of rules) {
  if (!fixtures.has(rule)) {
    fail(`${rule}: no fixture`);
    continue;
  }
  const name = readFileSync(`fixtures/${rule}.yaml`, "utf8").match(/^# says: (.*)$/m)[1];
  const messages = found
    .filter((result) => result.code === rule && basename(result.source) === `${rule}.yaml`)
    .map((result) => result.message);
  if (!messages.some((message) => message.includes(name))) {
    fail(`${rule}: want a message with ${name} for the fixture, got ${JSON.stringify(messages)}`);
  }
}
console.log(`${rules.length - failed} rules reject their fixture, ${failed} do not`);
process.exit(failed ? 1 : 0);
