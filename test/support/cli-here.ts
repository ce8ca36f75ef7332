// Calls of the command line that need no process of their own.

import { vi } from 'vitest';
import { runCommandLine } from '../../src/cli/run.ts';
import type { Ended } from './cli.ts';

/** What a call prints, and its exit status. */
export async function here(...args: string[]): Promise<Ended> {
  const said = { log: '', error: '' };
  const spies = (['log', 'error'] as const).map((to) =>
    vi.spyOn(console, to).mockImplementation((text: string) => {
      said[to] += `${text}\n`;
    }),
  );
  try {
    await runCommandLine(args);
    return { code: Number(process.exitCode ?? 0), stdout: said.log, stderr: said.error };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}
