// The command line: webgpu-transformer COMMAND. usage.ts lists the commands.

import { TransformerError } from '../index.node.ts';
import { nearestName } from '../runtime/errors.ts';
import { ask } from './ask.ts';
import { classify } from './classify.ts';
import { doctor } from './doctor.ts';
import { embed } from './embed.ts';
import { evaluate } from './evaluate.ts';
import { generate } from './generate.ts';
import { info } from './info.ts';
import { readOptions, wholeOption } from './options.ts';
import { train } from './train.ts';
import { translate } from './translate.ts';
import { usage } from './usage.ts';

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  async translate(args) {
    const { values, positionals } = readOptions({
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
  generate,
  classify,
  embed,
  ask,
  train,
  evaluate,
  info,
  async doctor(args) {
    readOptions({ args: [...args] });
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

// Whoever reads the output may stop, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

// No await at the top: it would keep the build from joining what is loaded with the first need.
main(process.argv.slice(2)).catch((error: unknown) => {
  // What this library or the argument parser says is for the user; anything else is a defect.
  const known = error instanceof TransformerError || hasParseCode(error);
  console.error(known && error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

function hasParseCode(error: unknown): boolean {
  return (
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE')
  );
}
