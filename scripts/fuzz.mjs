// Draws more cases than the tests do: npm run fuzz -- --cases 100000 --seed 7 test/fuzz/http.test.ts

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    case: { type: 'string' },
  },
  allowPositionals: true,
});
const env = { ...process.env, FUZZ_CASES: values.cases, FUZZ_SEED: values.seed };
if (values.case !== undefined) Object.assign(env, { FUZZ_CASE: values.case });
console.log(`seed ${values.seed}`);
const files = positionals.length > 0 ? positionals : ['test/fuzz'];
const command = ['scripts/with-driver.mjs', 'vitest', 'run', '--project', 'node', ...files];
process.exitCode = spawnSync(process.execPath, command, { env, stdio: 'inherit' }).status ?? 1;
