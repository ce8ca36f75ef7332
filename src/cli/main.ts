// The command line: webgpu-transformer COMMAND. commands.ts lists the commands.

import { isRelayed, relay, takeTerminal } from './relay.ts';

const args = process.argv.slice(2);

async function main(): Promise<void> {
  if (isRelayed(args)) return relay(args);
  takeTerminal();
  // Whoever reads the output may stop, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const { runCommandLine } = await import('./run.ts');
  await runCommandLine(args);
}

// No await at the top: it would keep the build from joining what is loaded with the first need.
void main();
