// The command line: webgpu-transformer translate | train | evaluate | info | doctor.

import { parseArgs } from 'node:util';
import { TransformerError } from '../index.node.ts';
import { nearestName } from '../runtime/errors.ts';
import { doctor } from './doctor.ts';
import { evaluate } from './evaluate.ts';
import { info } from './info.ts';
import { wholeOption } from './options.ts';
import { train } from './train.ts';
import { translate } from './translate.ts';

const usage = `Usage: webgpu-transformer <command>

  translate TEXT --to LANGUAGE   translate, with the embedded model of dates, times and measures
      --model DIR                  a checkpoint folder or URL in Hugging Face layout instead
      --max-new-tokens N           stop after N tokens
      --quiet                      print the translation only
  train                          train that model from scratch; Ctrl-C saves and stops
      --out DIR                    the run's folder (runs/phrases)
      --resume                     go on with the run in that folder
      --steps N                    steps in all (5000; with --from 1000)
      --batch-size N               pairs of texts a step (96)
      --learning-rate X            the greatest one, after the warm-up (2e-3; with --from 2e-4)
      --seed N                     draws weights, pairs and their order (1)
      --from DIR                   fine-tune a checkpoint, with its tokenizer
      --data FILE                  pairs to learn, source TAB target a line; needs --from
      --freeze PATTERN             tensors that stay, such as "model.encoder.*"; repeatable
      --save-every N               steps (250; 0: at the end only)
      --evaluate-every N           steps, exact match on texts held out (250; 0: never)
      --logdir DIR                 write TensorBoard event files
      --dtype f16 | f32            storage format of the finished model (f16)
      --quiet                      print nothing
  evaluate [DIR]                 translate phrases that training never saw, and count what is right
      --count N                    phrases of each kind in each direction (42: 2016 in all)
      --seed N                     draws other phrases (1)
      --misses                     print those that came out wrong
  info DIR                       what a checkpoint holds
  doctor                         the adapter in use, and a self-test of every kernel on it
  --help, --version
`;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  async translate(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        model: { type: 'string' },
        'max-new-tokens': { type: 'string' },
        quiet: { type: 'boolean', default: false },
      },
    });
    const { to, model, quiet } = values;
    const maxNewTokens = wholeOption('--max-new-tokens', values['max-new-tokens']);
    await translate(positionals, {
      ...(to !== undefined && { to }),
      ...(model !== undefined && { model }),
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      quiet,
    });
  },
  train,
  evaluate,
  async info(args) {
    await info(parseArgs({ args: [...args], allowPositionals: true }).positionals);
  },
  async doctor(args) {
    parseArgs({ args: [...args] });
    await doctor();
  },
};

async function main([name, ...args]: readonly string[]): Promise<void> {
  const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';
  if (name === undefined || isHelp(name) || args.some(isHelp)) {
    console.log(usage);
    return;
  }
  if (name === '--version') {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    console.log(manifest.version);
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const nearest = nearestName(name, Object.keys(commands));
    const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
    throw new TransformerError(
      'OPTION_UNKNOWN',
      `Unknown command "${name}". A command comes first.${hint}\n\n${usage}`,
    );
  }
  await command(args);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // What this library or the argument parser says is for the user; anything else is a defect.
  const known = error instanceof TransformerError || hasParseCode(error);
  console.error(known && error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function hasParseCode(error: unknown): boolean {
  return (
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE')
  );
}
