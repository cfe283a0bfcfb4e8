// Writes engine.json: what node's engine says of each pattern of patterns.json on each of its strings.
//
//	node testdata/engine.mjs < testdata/patterns.json > testdata/engine.json
//
// A verdict is a row of 1 and 0, a string each; "" for a pattern that the engine refuses. A pattern that the flag u refuses
// is tried without it.
import { readFileSync } from 'node:fs';

const { patterns, strings } = JSON.parse(readFileSync(0, 'utf8'));
const compile = (pattern, flags) => {
	try {
		return new RegExp(pattern, flags);
	} catch {
		return null;
	}
};
const row = (re) => re ? strings.map((s) => (re.test(s) ? '1' : '0')).join('') : '';
const rows = patterns.map((pattern) => [JSON.stringify(pattern), JSON.stringify(row(compile(pattern, 'u'))), JSON.stringify(row(compile(pattern, '')))]);
console.log('[\n' + rows.map((r) => `  [${r.join(', ')}]`).join(',\n') + '\n]');
