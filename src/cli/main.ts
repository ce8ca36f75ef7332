// The command line: webgpu-transformer COMMAND. commands.ts lists the commands.

import { isRelayed, relay, takeTerminal } from './relay.ts';

const args = process.argv.slice(2);

async function main(): Promise<void> {
  if (isRelayed(args)) return relay(args);
  takeTerminal();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads the output may stop, as `head` does.
    if (error.code === 'EPIPE') process.exit();
    console.error(`What is printed cannot be written: ${error.message}. Check where it goes.`);
    process.exit(1);
  });
  // There is nowhere left to say so.
  process.stderr.on('error', () => undefined);
  const { runCommandLine } = await import('./run.ts');
  await runCommandLine(args);
}

// No await at the top: it would keep the build from joining what is loaded with the first need.
void main();
