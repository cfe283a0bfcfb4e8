// Prints what ajv takes to parse and to validate each body, in the form of go test's benchmarks.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const bodies = JSON.parse(readFileSync(process.argv[2], "utf8"));
const schemas = JSON.parse(readFileSync(new URL("schemas.json", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false });
addFormats(ajv);
ajv.addSchema({ $id: "https://bench.invalid/schemas", components: { schemas } });

for (let round = 0; round < Number(process.argv[3]); round++) {
  for (const [column, text] of Object.entries(bodies)) {
    const validate = ajv.getSchema(`https://bench.invalid/schemas#/components/schemas/${column}`);
    const run = (n) => {
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i++) if (!validate(JSON.parse(text))) throw new Error(`${column}: ${ajv.errorsText(validate.errors)}`);
      return Number(process.hrtime.bigint() - start) / n;
    };
    run(20000);
    console.log(`BenchmarkSchemas/ajv,_with_JSON.parse/${column} \t20000\t${run(20000).toFixed(0)} ns/op`);
  }
}
