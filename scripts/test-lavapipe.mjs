// Runs tests on lavapipe, which has what GPUs have and other software adapters lack (lavapipe.mjs):
//   npm run test:lavapipe                                      all that is listed below
//   npm run test:lavapipe -- --lanes 16 test/shaders/matmul    some tests, by default at 8 lanes
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { lanes: { type: 'string' } },
  allowPositionals: true,
});

const whole = ['test/model', 'test/api/checkpoints', 'test/api/generation', 'test/self-test'];
// Kernels without subgroups have been tried at 8 lanes.
const others = ['--testNamePattern', '^(?!.*, software$)'];
// The driver ends when it compiles products of subgroup matrices for 16 lanes.
const withoutMatrices = ['conformance', 'matmul/matmul-matrix'].flatMap((name) => [
  '--exclude',
  `test/shaders/${name}.test.ts`,
]);
let runs = [
  { lanes: '8', tests: ['test/shaders', ...whole] },
  { lanes: '4', tests: ['test/shaders', ...others] },
  { lanes: '16', tests: ['test/shaders', ...others, ...withoutMatrices] },
];
if (positionals.length > 0) runs = [{ lanes: values.lanes ?? '8', tests: positionals }];
else if (values.lanes !== undefined) runs = runs.filter(({ lanes }) => lanes === values.lanes);
if (runs.length === 0) throw new Error(`--lanes is ${values.lanes}, wanted 4, 8 or 16.`);

for (const { lanes, tests } of runs) {
  const env = { ...process.env, LAVAPIPE_LANES: lanes };
  // What is not the driver that was asked for must not pass for it.
  runHere(['node', 'scripts/check-lanes.mjs'], env);
  // A shader that is new to the cache takes its time to compile.
  runHere(['vitest', 'run', '--project', 'node', '--testTimeout', '300000', ...tests], env);
}

/**
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} env
 */
function runHere(command, env) {
  const { status } = spawnSync(process.execPath, ['scripts/with-driver.mjs', ...command], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
