// A model that generates what a test has written down, and remembers what it was asked.

import type { GenerateOptions } from 'webgpu-transformer';
import type { TaskInputs, TaskModel, TaskOutput } from '../../src/tasks/task.ts';

export class ScriptedModel implements TaskModel {
  readonly maxPositions: number = Infinity;
  readonly config: Record<string, unknown>;
  readonly asked: { inputs: TaskInputs; options: GenerateOptions }[] = [];
  /** The new tokens of each sequence that a row of inputs gives. */
  readonly #answer: (ids: readonly number[]) => readonly (readonly number[])[];
  readonly #keepsPrompt: boolean;

  /** Causal models give the prompt with the answer; others begin with a start token, 0 here. */
  constructor(
    config: Record<string, unknown>,
    answer: (ids: readonly number[]) => readonly (readonly number[])[],
    keepsPrompt: boolean,
  ) {
    this.config = config;
    this.#answer = answer;
    this.#keepsPrompt = keepsPrompt;
  }

  async generate(
    inputs: TaskInputs,
    options: GenerateOptions = {},
  ): Promise<{ sequences: number[][] }> {
    this.asked.push({ inputs, options });
    const rows = inputs.inputIds.flatMap((ids, row) => {
      const mask = inputs.attentionMask[row]!;
      const prompt = this.#keepsPrompt ? ids : [0];
      return this.#answer(ids.filter((_, t) => mask[t] === 1)).map((more) => [...prompt, ...more]);
    });
    const longest = Math.max(...rows.map((row) => row.length));
    const pad = Number(this.config['pad_token_id']);
    const fill = (row: number[]): number[] => Array<number>(longest - row.length).fill(pad);
    return { sequences: rows.map((row) => [...row, ...fill(row)]) };
  }

  async *stream(
    inputs: TaskInputs,
    options: GenerateOptions = {},
  ): AsyncGenerator<{ tokenIds: number[] }> {
    this.asked.push({ inputs, options });
    const [answer = []] = this.#answer(inputs.inputIds[0]!);
    for (const token of answer) yield { tokenIds: [token] };
  }

  async forward(): Promise<TaskOutput> {
    return {};
  }
}
