// The command line: webgpu-transformer translate | info | doctor.

import { parseArgs } from 'node:util';
import { TransformerError } from '../index.node.ts';
import { doctor } from './doctor.ts';
import { info } from './info.ts';
import { translate } from './translate.ts';

const usage = `Usage: webgpu-transformer <command>

  translate TEXT --to LANGUAGE   translate, with the embedded model of dates, times and measures
      --model DIR                  a checkpoint folder or URL in Hugging Face layout instead
      --max-new-tokens N           stop after N tokens
      --quiet                      print the translation only
  info DIR                       what a checkpoint holds
  doctor                         the adapter in use, and a self-test of every kernel on it
  --help, --version
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      model: { type: 'string' },
      'max-new-tokens': { type: 'string' },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      version: { type: 'boolean', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.version) {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    console.log(manifest.version);
  } else if (values.help || command === undefined) {
    console.log(usage);
  } else if (command === 'translate') {
    const length = values['max-new-tokens'];
    if (length !== undefined && !/^\d+$/.test(length)) {
      throw new TransformerError(
        'OPTION_INVALID',
        `--max-new-tokens is "${length}"; wanted a whole number.`,
      );
    }
    await translate(rest, {
      ...(values.to !== undefined && { to: values.to }),
      ...(values.model !== undefined && { model: values.model }),
      ...(length !== undefined && { maxNewTokens: Number(length) }),
      quiet: values.quiet,
    });
  } else if (command === 'info') {
    await info(rest);
  } else if (command === 'doctor') {
    await doctor();
  } else {
    throw new TransformerError('OPTION_UNKNOWN', `Unknown command "${command}".\n\n${usage}`);
  }
}

try {
  await main();
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
