// train and evaluate on the command line: tiny runs in processes of their own.
import { appendFile, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { directoryTarget } from 'webgpu-transformer';
import { initialCheckpoint } from '../../src/training/initialize.ts';
import { png } from '../../src/cli/image/png.ts';
import { phrasesConfig, phrasesGeneration } from '../../src/phrases/recipe.ts';
import { buildTokenizer } from '../../src/phrases/vocabulary.ts';
import { wavFile } from '../support/wav.ts';
import { buildCommand, expectRefusal, interrupt, root, run, taskFolder } from '../support/cli.ts';
import { readLog, temporaryFolder } from '../support/runs.ts';

// Several processes a test, each of which opens a device.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(buildCommand);

/** A folder with a checkpoint of phrases so small that a step takes milliseconds. */
async function tinyCheckpoint(folder: string): Promise<string> {
  const from = path.join(folder, 'tiny');
  const tokenizer = buildTokenizer(0, 512, 2000);
  const source = initialCheckpoint(
    {
      ...phrasesConfig(512),
      d_model: 16,
      encoder_layers: 1,
      decoder_layers: 1,
      encoder_attention_heads: 2,
      decoder_attention_heads: 2,
      encoder_ffn_dim: 32,
      decoder_ffn_dim: 32,
    },
    { seed: 3, generationConfig: phrasesGeneration },
  );
  const target = directoryTarget(from);
  for (const name of ['config.json', 'generation_config.json', 'model.safetensors']) {
    await target.write(name, new Uint8Array((await source.read(name))!));
  }
  await writeFile(path.join(from, 'tokenizer.json'), JSON.stringify(tokenizer.tokenizer));
  await writeFile(path.join(from, 'tokenizer_config.json'), JSON.stringify(tokenizer.config));
  return from;
}

/** A file of `count` pairs, no two alike. */
async function pairFile(folder: string, count: number): Promise<string> {
  const file = path.join(folder, 'pairs.tsv');
  const lines = Array.from({ length: count }, (_, i) => `>>de<<in ${i} days\tin ${i} Tagen`);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

interface LogLine {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradNorm: number;
  readonly tokensPerSecond: number;
  readonly exactMatch?: number;
  readonly evaluationLoss?: number;
  readonly perplexity?: number;
  readonly accuracy?: number;
  readonly macroF1?: number;
}

test('a run of phrases leaves a checkpoint, its state, a log and event files', async () => {
  const folder = await temporaryFolder('train-cli');
  const [from, out] = [await tinyCheckpoint(folder), path.join(folder, 'out')];
  const logdir = path.join(folder, 'logs');
  const sizes = ['--steps', '3', '--batch-size', '12', '--evaluate-every', '3'];
  const { code, stdout } = await run(
    'train',
    '--from',
    from,
    '--out',
    out,
    ...sizes,
    '--learning-rate',
    '0.01',
    '--logdir',
    logdir,
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/^step 3\/3 .* tokens\/s .* exact match \d+\.\d %$/m);
  expect(stdout).toContain(`evaluate ${out}`);
  expect(await readdir(out)).toEqual([
    'config.json',
    'generation_config.json',
    'log.jsonl',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
    'training.json',
    'training_state.safetensors',
  ]);
  const same = (name: string): Promise<Buffer[]> =>
    Promise.all([from, out].map((place) => readFile(path.join(place, name))));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    const [before, after] = await same(name);
    expect(after!.equals(before!), `${name} is the same`).toBe(true);
  }
  const info = await run('info', out);
  expect(info.stdout).toMatch(/stored as +\d+ × F16,/);
  const [line, ...more] = await readLog<LogLine>(out);
  expect(more).toEqual([]);
  expect(line).toMatchObject({ step: 3, learningRate: 0, exactMatch: 0 });
  // An untrained model of 512 tokens.
  expect(line!.loss).toBeGreaterThan(4);
  expect(line!.loss).toBeLessThan(9);
  expect(line!.gradNorm).toBeGreaterThan(0);
  expect(line!.tokensPerSecond).toBeGreaterThan(0);
  const [events] = await readdir(logdir);
  const bytes = await readFile(path.join(logdir, events!));
  const tags = ['loss', 'learning_rate', 'grad_norm', 'tokens_per_second', 'exact_match'];
  for (const tag of tags) expect(bytes.includes(tag), `has ${tag}`).toBe(true);

  expectRefusal(await run('train', '--out', out, '--resume'), 'step 3', '--steps');
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('after %s a run goes on as if nothing had been', async (signal, status) => {
  const folder = await temporaryFolder('train-cli');
  const from = await tinyCheckpoint(folder);
  const data = await pairFile(folder, 50);
  const outs = ['whole', 'parts'].map((name) => path.join(folder, name));
  const [whole, parts] = outs as [string, string];
  // 48 pairs train, 20 a step: batches span the passes over the file.
  const settings = ['--from', from, '--data', data, '--steps', '30', '--batch-size', '20'];
  const often = ['--evaluate-every', '1', '--save-every', '0', '--dtype', 'f32'];
  const stopped = await interrupt(
    signal,
    /^step +2\/30/m,
    'train',
    ...settings,
    ...often,
    '--out',
    parts,
  );
  expect(stopped.code).toBe(status);
  expect(stopped.stdout).toMatch(/48 pairs of .*pairs\.tsv, 2 texts held out/);
  const step = Number(/Stopped at step (\d+) of 30/.exec(stopped.stdout)?.[1]);
  expect(step).toBeGreaterThan(1);
  expect(step).toBeLessThan(30);
  expect(stopped.stdout).toContain(`train --resume --out ${parts}`);
  expect((await readLog<LogLine>(parts)).at(-1)).toMatchObject({ step });

  // What a crash leaves behind: reports of steps that were never saved, and half a line.
  await appendFile(path.join(parts, 'log.jsonl'), '{"step":31,"loss":1}\n{"step":1,');
  const resumed = await run('train', '--resume', '--out', parts, ...often);
  expect(resumed.code).toBe(0);
  expect(resumed.stdout).toContain(`from step ${step}`);
  expect((await run('train', ...settings, ...often, '--out', whole, '--quiet')).stdout).toBe('');
  for (const name of ['training_state.safetensors', 'model.safetensors', 'config.json']) {
    const [a, b] = await Promise.all(outs.map((out) => readFile(path.join(out, name))));
    expect(b!.equals(a!), `${name} is the same`).toBe(true);
  }
  const [log, inOne] = [await readLog<LogLine>(parts), await readLog<LogLine>(whole)];
  expect(log.map((line) => line.step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  expect(log.map(({ loss }) => loss)).toEqual(inOne.map(({ loss }) => loss));
  expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss);
});

test('frozen tensors stay', async () => {
  const folder = await temporaryFolder('train-cli');
  const [from, out] = [await tinyCheckpoint(folder), path.join(folder, 'out')];
  const common = ['train', '--from', from, '--out', out, '--evaluate-every', '0'];
  expectRefusal(await run(...common, '--freeze', 'model.encodr.*'), '"model.encodr.*"');
  const args = ['--steps', '2', '--batch-size', '12', '--freeze', 'model.*', '--quiet'];
  expectRefusal(await run(...common, ...args), 'Every parameter is frozen');
  const frozen = ['--freeze', 'model.encoder.*', '--freeze', 'model.shared.weight'];
  const { code, stdout } = await run(
    ...common,
    '--steps',
    '2',
    '--batch-size',
    '12',
    '--dtype',
    'f32',
    ...frozen,
  );
  expect(code).toBe(0);
  expect(stdout).not.toContain('exact match');
  const [before, after] = await Promise.all(
    [from, out].map(async (place) =>
      tensors(await readFile(path.join(place, 'model.safetensors'))),
    ),
  );
  const names = [...before!.keys()];
  const changed = names.filter((name) => !after!.get(name)!.equals(before!.get(name)!));
  expect(names.some((name) => name.startsWith('model.encoder.'))).toBe(true);
  expect(changed.filter((name) => !name.startsWith('model.decoder.'))).toEqual([]);
  expect(changed).toContain('model.decoder.layers.0.fc1.weight');
});

test('a run without a checkpoint begins with a new model of phrases', async () => {
  const out = path.join(await temporaryFolder('train-cli'), 'new');
  const { code, stdout } = await run(
    'train',
    '--out',
    out,
    '--steps',
    '1',
    '--batch-size',
    '6',
    '--evaluate-every',
    '0',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/parameters +991,232 that train/);
  // Four bytes a number for its gradient, eight for AdamW's states, and a byte of flags.
  expect(stdout).toMatch(
    /memory .* gradients 4\.0 MB, optimizer 8\.9 MB, activations of the first/,
  );
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(out, name), 'utf8'));
  expect(await json('config.json')).toEqual({ ...phrasesConfig(512), torch_dtype: 'float16' });
  expect(await json('generation_config.json')).toEqual(phrasesGeneration);
  expect(await json('tokenizer.json')).toEqual(buildTokenizer().tokenizer);
  expect((await run('translate', 'in 3 days', '--to', 'de', '--model', out)).code).toBe(0);
});

/** Rows of made-up texts, and a folder with nothing but the configuration of a small GPT-2. */
async function novelFiles(folder: string): Promise<{ data: string; config: string }> {
  const [data, config] = [path.join(folder, 'texts.jsonl'), path.join(folder, 'gpt2')];
  const texts = Array.from(
    { length: 60 },
    (_, i) => `Emma had ${i} aunts.\nMr. Elton had ${60 - i}.`,
  );
  await writeFile(data, texts.map((text) => JSON.stringify({ text })).join('\n'));
  await mkdir(config);
  const sizes = { n_embd: 16, n_head: 2, n_layer: 1, n_positions: 24, vocab_size: 280 };
  const dropout = { attn_pdrop: 0, embd_pdrop: 0, resid_pdrop: 0 };
  const named = { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], ...sizes, ...dropout };
  await writeFile(path.join(config, 'config.json'), JSON.stringify(named));
  return { data, config };
}

test('a new language model learns its tokenizer and texts end to end, goes on after a stop, and is evaluated', async () => {
  const folder = await temporaryFolder('train-cli');
  const { data, config } = await novelFiles(folder);
  const settings = ['--new', config, '--data', data, '--steps', '30', '--batch-size', '6'];
  const often = ['--learning-rate', '0.01', '--dtype', 'f32', '--evaluate-every', '15'];
  const [whole, parts] = [path.join(folder, 'whole'), path.join(folder, 'parts')];
  const all = await run('train', ...settings, ...often, '--out', whole);
  expect(all.code).toBe(0);
  expect(all.stdout).toMatch(
    /^data +[\d,]+ tokens of .+texts\.jsonl, [\d,]+ held out, rows of 24$/m,
  );
  const log = await readLog<LogLine>(whole);
  expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss);
  expect(log.at(-1)!.perplexity).toBeLessThan(280);
  const stored = JSON.parse(await readFile(path.join(whole, 'config.json'), 'utf8')) as object;
  expect(stored).toMatchObject({ vocab_size: 280, bos_token_id: 279, eos_token_id: 279 });

  const stopped = await interrupt(
    'SIGINT',
    /^step +2\/30/m,
    'train',
    ...settings,
    ...often,
    '--save-every',
    '0',
    '--evaluate-every',
    '1',
    '--out',
    parts,
  );
  expect(stopped.code).toBe(130);
  const more = ['--dtype', 'f32', '--evaluate-every', '15'];
  expect((await run('train', '--resume', '--out', parts, ...more)).code).toBe(0);
  const [a, b] = await Promise.all(
    [whole, parts].map((out) => readFile(path.join(out, 'model.safetensors'))),
  );
  expect(b!.equals(a!)).toBe(true);

  const { stdout } = await run('evaluate', whole, '--data', data);
  const [, perplexity, bits] = /^perplexity (\S+) a token, (\S+) bits a byte\n/.exec(stdout)!;
  expect(Number(perplexity)).toBeLessThan(280);
  const [, tokens, bytes] = /^(\d[\d,]*) tokens, ([\d,]+) bytes of 60 texts in /m.exec(stdout)!;
  const number = (text = ''): number => Number(text.replaceAll(',', ''));
  const expected = (Math.log2(Number(perplexity)) * number(tokens)) / number(bytes);
  expect(Number(bits)).toBeCloseTo(expected, 2);
  expectRefusal(await run('evaluate', whole, '--data', data, '--count', '3'), '--count', '--data');
  expectRefusal(await run('evaluate', whole, '--adapter', parts), '--adapter goes with --data');
  const pairs = path.join(root, 'models', 'phrases');
  expectRefusal(await run('evaluate', pairs, '--data', data), 'line 1', 'one tab');
  expectRefusal(
    await run('train', '--new', pairs, '--data', data, '--out', path.join(folder, 'none')),
    '--new begins a language model',
    'MarianMTModel',
  );
});

test('adapters of a language model learn from conversations, over int8, and are used beside it', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('gpt2');
  const data = path.join(folder, 'chat.jsonl');
  const rows = Array.from({ length: 40 }, (_, i) => ({
    messages: [
      { role: 'user', content: `Is London ${i}?` },
      { role: 'assistant', content: 'Marie Curie.' },
    ],
  }));
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
  const out = path.join(folder, 'out');
  const asked = [
    '--data',
    data,
    '--lora',
    '2',
    '--targets',
    '*.c_attn',
    '--dtype',
    'int8',
    '--checkpoint-layers',
    '--activations',
    'f16',
  ];
  const steps = ['--steps', '6', '--batch-size', '4', '--evaluate-every', '3', '--learning-rate'];
  const begun = await run('train', '--from', from, '--out', out, ...asked, ...steps, '0.05');
  expect({ code: begun.code, stderr: begun.stderr }).toEqual({ code: 0, stderr: '' });
  expect(begun.stdout).toContain('38 rows of');
  expect(begun.stdout).toContain('2 held out');
  expect(begun.stdout).toContain(`webgpu-transformer generate ${from} --adapter ${out}`);
  expect((await readdir(out)).toSorted()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'log.jsonl',
    'training.json',
    'training_state.safetensors',
  ]);
  const log = await readLog<LogLine>(out);
  expect(log.map(({ step }) => step)).toEqual([3, 6]);
  expect(log[1]!.evaluationLoss!).toBeLessThan(log[0]!.evaluationLoss!);
  expect(log[1]!.perplexity).toBeCloseTo(Math.exp(log[1]!.evaluationLoss!), 6);
  const more = await run('train', '--resume', '--out', out, '--steps', '9');
  expect({ code: more.code, stderr: more.stderr }).toEqual({ code: 0, stderr: '' });
  expect((await readLog<LogLine>(out)).map(({ step }) => step)).toEqual([3, 6, 9]);
  const measured = async (...options: string[]): Promise<number> => {
    const { stdout } = await run('evaluate', from, '--data', data, ...options);
    expect(stdout).toMatch(
      /^loss \d+\.\d{4} {2}perplexity \d+\.\d{4}\n40 rows of .*chat\.jsonl in /,
    );
    return Number(stdout.split(' ')[1]);
  };
  const [before, after] = [await measured(), await measured('--adapter', out, '--dtype', 'int8')];
  expect(after).toBeLessThan(before);
  expect(after).toBeLessThan(log[1]!.evaluationLoss! + 0.5);
  const generate = ['generate', from, 'Is London 3?', '--chat', '--max-new-tokens', '6', '--quiet'];
  const plain = await run(...generate);
  const tuned = await run(...generate, '--adapter', out);
  expect(tuned.code).toBe(0);
  expect(tuned.stdout).not.toBe(plain.stdout);
});

/** Rows of a classifier: what stands in them says how they are labelled. */
async function labelledFile(folder: string, count: number): Promise<string> {
  const file = path.join(folder, 'rows.csv');
  const rows = Array.from({ length: count }, (_, i) =>
    i % 2 === 0 ? `Marie Curie ${i},entailment` : `Warsaw London ${i},neutral`,
  );
  await writeFile(file, ['text,label', ...rows].join('\n'));
  return file;
}

test('a classifier keeps its best by the metric that is asked for, ends early, and goes on so', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('bert/nli');
  const data = await labelledFile(folder, 80);
  const out = path.join(folder, 'out');
  const asked = ['--from', from, '--data', data, '--steps', '60', '--batch-size', '8'];
  const often = ['--evaluate-every', '4', '--save-every', '0', '--metric', 'macroF1'];
  const fast = ['--learning-rate', '0.01', '--dtype', 'f32', '--patience', '2'];
  const { code, stdout, stderr } = await run('train', ...asked, ...often, ...fast, '--out', out);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('76 rows of');
  expect(stdout).toMatch(/^step .* accuracy \d+\.\d % {2}macro f1 \d\.\d{4}$/m);
  expect(stdout).toContain('Ended: 2 evaluations in a row brought nothing better.');
  const found = (await readLog<LogLine>(out)).filter(({ accuracy }) => accuracy !== undefined);
  const best = found.reduce((a, b) => (b.macroF1! > a.macroF1! ? b : a));
  expect(best.macroF1).toBe(1);
  // Two more evaluations, and no third.
  expect(found.at(-1)!.step).toBe(best.step + 8);
  const line = `The best is that of step ${best.step}, macroF1 1.0000: ${path.join(out, 'best')}`;
  expect(stdout).toContain(line);
  const told = await run('classify', path.join(out, 'best'), 'Marie Curie 3', '--quiet');
  expect(told.stdout).toContain('entailment');
  const measured = await run('evaluate', path.join(out, 'best'), '--data', data);
  expect({ code: measured.code, stderr: measured.stderr }).toEqual({ code: 0, stderr: '' });
  expect(measured.stdout).toMatch(
    /^accuracy 100\.0 % {2}macro f1 1\.0000\n80 rows of .*rows\.csv in /,
  );

  // What was found is known when it is taken up again: nothing is left to do, but with more patience.
  const again = await run('train', '--resume', '--out', out, ...often, '--patience', '2');
  expect(again.stdout).toContain(line);
  expect((await readLog<LogLine>(out)).at(-1)!.step).toBe(best.step + 8);
  const patient = await run('train', '--resume', '--out', out, ...often, '--patience', '3');
  expect(patient.stdout).toContain(line);
  expect((await readLog<LogLine>(out)).at(-1)!.step).toBe(best.step + 12);
});

test('metrics that a task has not, and labels that a model has not, are refused', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('bert/nli');
  const data = await labelledFile(folder, 40);
  const asked = ['train', '--from', from, '--data', data, '--out', path.join(folder, 'out')];
  const steps = ['--steps', '2', '--batch-size', '2', '--evaluate-every', '1'];
  const other = await run(...asked, ...steps, '--metric', 'chrF');
  expectRefusal(other, '--metric is chrF', 'accuracy, macroF1');
  expectRefusal(await run(...asked, '--metric', 'bleu'), '--metric is "bleu"', 'chrF');
  expectRefusal(await run(...asked, '--patience', '0'), '--patience', 'at least 1');
  await writeFile(data, 'text,label\nMarie,maybe\nCurie,never\n');
  const unknown = await run('evaluate', from, '--data', data);
  expectRefusal(unknown, 'has the labels ["maybe","never"]', '"entailment"');
  const few = await labelledFile(folder, 8);
  expectRefusal(await run(...asked, '--patience', '2'), 'held out', '--patience');
  expect(few).toBe(data);
  await writeFile(data, 'text,label\nMarie,maybe\n');
  const rows = ['--out', path.join(folder, 'other')];
  expectRefusal(await run(...asked.slice(0, 5), ...rows), 'have the label "maybe"', 'two classes');
  const refused = async (table: string, ...parts: string[]): Promise<void> => {
    await writeFile(data, table);
    expectRefusal(await run(...asked.slice(0, 5), ...rows), ...parts);
  };
  await refused('sentence,label\nMarie,a\nCurie,b\n', 'Row 1', '"sentence", "label"', '"text"');
  await refused('text,class\nMarie,a\nCurie,b\n', 'Row 1', '"text", "class"', '"label"');
  await refused('text,label\nMarie,0\nCurie,1\nLondon,NaN\n', 'Row 3', 'label', '"NaN"');
  await refused('text,label\nMarie,good\nCurie,\nLondon,bad\n', 'Row 2', 'label', '"bad", "good"');
});

/** Rows whose texts say which of three labels they have. */
async function threeLabels(folder: string): Promise<string> {
  const file = path.join(folder, 'rows.csv');
  const kinds = { person: 'Marie Curie', place: 'London', other: '?' };
  const rows = Array.from({ length: 10 }, (_, i) =>
    Object.entries(kinds).map(([label, text]) => `${text} ${i},${label}`),
  );
  await writeFile(file, ['text,label', ...rows.flat()].join('\n'));
  return file;
}

test('an encoder with another head learns labels of its own, and names them', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('bert/mlm');
  const out = path.join(folder, 'out');
  const data = ['--data', await threeLabels(folder), '--steps', '40', '--batch-size', '8'];
  const asked = ['train', '--from', from, ...data, '--learning-rate', '0.005'];
  const { code, stdout, stderr } = await run(...asked, '--out', out);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('labels      3: other, person, place\n');
  expect(stdout).toMatch(/note +New, .*"classifier.weight"/);
  const told = await run('classify', out, 'London 3', '--quiet');
  expect(told.stdout).toMatch(/^place/);

  // Beside adapters it trains whole, and is kept with them.
  const tuned = path.join(folder, 'adapter');
  const { code: ended, stderr: said } = await run(...asked, '--lora', '2', '--out', tuned);
  expect({ code: ended, stderr: said }).toEqual({ code: 0, stderr: '' });
  const saved = await readFile(path.join(tuned, 'adapter_config.json'), 'utf8');
  const { modules_to_save: kept } = JSON.parse(saved) as { modules_to_save: string[] };
  expect(kept).toContain('classifier');
  const beside = await run('classify', from, 'London 3', '--adapter', tuned, '--quiet');
  expect(beside.stdout).toMatch(/^place/);
  const measured = await run('evaluate', from, '--adapter', tuned, ...data.slice(0, 2));
  expect(measured.stdout).toMatch(/^accuracy 100\.0 % .*\n30 rows of /);
});

test('a checkpoint of sentence-transformers learns which texts belong together, and goes on after a stop', async () => {
  const folder = await temporaryFolder('train-cli');
  const json = (value: unknown): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(JSON.stringify(value));
  const from = await taskFolder('bert/mlm', {
    'modules.json': json([
      { path: '', type: 'sentence_transformers.models.Transformer' },
      { path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    ]),
    'sentence_bert_config.json': json({ max_seq_length: 12 }),
  });
  await mkdir(path.join(from, '1_Pooling'));
  await writeFile(path.join(from, '1_Pooling', 'config.json'), json({ pooling_mode: 'cls' }));
  const data = path.join(folder, 'pairs.csv');
  const kinds = ['London', 'Paris', 'Bach', 'Clara'];
  const rows = Array.from({ length: 40 }, (_, i) => {
    const [own, other] = [kinds[i % 4], kinds[(i + 1) % 4]];
    return `${own} ${i},is ${own},is ${other}`;
  });
  await writeFile(data, ['anchor,positive,negative', ...rows].join('\n'));
  const out = path.join(folder, 'out');
  const asked = ['--from', from, '--data', data, '--batch-size', '4', '--learning-rate', '0.003'];
  const begun = await run(
    'train',
    ...asked,
    '--steps',
    '4',
    '--optimizer-state',
    '8bit',
    '--out',
    out,
  );
  expect({ code: begun.code, stderr: begun.stderr }).toEqual({ code: 0, stderr: '' });
  expect(begun.stdout).toContain(`38 rows of 3 texts of ${data}, 2 held out`);
  const more = await run(
    'train',
    '--resume',
    '--steps',
    '30',
    '--evaluate-every',
    '15',
    '--out',
    out,
  );
  expect({ code: more.code, stderr: more.stderr }).toEqual({ code: 0, stderr: '' });
  const log = (await readFile(path.join(out, 'log.jsonl'), 'utf8')).trim().split('\n');
  const losses = log.map((line) => (JSON.parse(line) as { loss: number }).loss);
  expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  // What Adam keeps is held in bytes from the beginning to the end.
  const state = (await readFile(path.join(out, 'training_state.safetensors'))).subarray(0, 10_000);
  expect(state.toString('latin1')).toContain('\\"eightBit\\":true');
  const kept = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(out, name), 'utf8'));
  expect(await kept('1_Pooling/config.json')).toEqual({ pooling_mode: 'cls' });
  expect(await kept('sentence_bert_config.json')).toEqual({ max_seq_length: 12 });
  const measured = await run('evaluate', out, '--data', data, '--batch-size', '4');
  expect({ code: measured.code, stderr: measured.stderr }).toEqual({ code: 0, stderr: '' });
  expect(measured.stdout).toMatch(/^loss \d\.\d{4}\n40 rows of 3 texts of .*pairs\.csv in /);
  expect(Number(measured.stdout.split(/\s/)[1])).toBeLessThan(losses[0]!);
  const alike = await run('similarity', out, 'London 3', 'is London', 'is Bach', '--quiet');
  const [near = 0, far = 0] = alike.stdout.split('\n').map(Number.parseFloat);
  expect(near).toBeGreaterThan(far);

  await writeFile(data, 'anchor,positive,negative\na,b,c\nd,e,\n');
  const refused = [...asked, '--out', path.join(folder, 'none')];
  expectRefusal(await run('train', ...refused), 'Row 2', 'none or empty');
  await writeFile(
    path.join(folder, 'rows.jsonl'),
    '{"anchor":"a","positive":"b"}\n{"anchor":"c","positive":"d","negative":"e"}',
  );
  const unlike = refused.with(3, path.join(folder, 'rows.jsonl'));
  expectRefusal(await run('train', ...unlike), 'Row 2', '3 texts', 'first has 2');
  const state8 = await run('train', ...refused, '--optimizer-state', 'int8');
  expectRefusal(state8, '--optimizer-state', 'int8', 'f32', '8bit');
});

test('adapters of a language model learn from preferences, and whole models are refused', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('gpt2');
  const data = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 20 }, (_, i) => ({
    prompt: `Is London ${i}?`,
    chosen: ' Marie Curie.',
    rejected: ' London.',
  }));
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
  const asked = ['train', '--from', from, '--data', data, '--steps', '8', '--batch-size', '2'];
  const adapters = ['--lora', '2', '--targets', '*.c_attn', '--learning-rate', '0.05'];
  const out = path.join(folder, 'out');
  const { code, stderr, stdout } = await run(...asked, ...adapters, '--out', out);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('19 rows of');
  const held = /loss held out (\d\.\d+)/.exec(stdout)![1];
  expect(Number(held)).toBeLessThan(Math.LN2);
  const whole = await run(...asked, '--out', path.join(folder, 'whole'));
  expectRefusal(whole, 'Train adapters (Lora)');
  const measured = await run('evaluate', from, '--data', data, '--adapter', out);
  expect(Number(/^loss (\d\.\d{4})\n20 rows of /.exec(measured.stdout)![1])).toBeLessThan(Math.LN2);
  expectRefusal(await run('evaluate', from, '--data', data), 'Pass --adapter DIR');
});

test('rows that teach nothing are told by their number, options that do not go together by name', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = await taskFolder('gpt2');
  const data = path.join(folder, 'rows.jsonl');
  await writeFile(data, '{"text": "Marie"}\n{"words": "Curie"}\n');
  const out = ['--out', path.join(folder, 'out')];
  const asked = ['train', '--from', from, ...out, '--lora', '2', '--targets', '*.c_attn'];
  expectRefusal(await run(...asked, '--data', data), 'Row 2', '"words"', 'wanted "messages"');
  expectRefusal(await run('train', ...out, '--lora', '2'), '--lora needs --from');
  const apart = await run('train', '--from', from, '--targets', '*.c_attn', ...out);
  expectRefusal(apart, 'Pass --lora N');
});

test('a classifier of pictures learns labels from folders, under their names', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = path.join(root, 'test', 'fixtures', 'vit');
  const data = path.join(folder, 'pets');
  const names = ['ant', 'bee', 'cat', 'dog', 'elk', 'fox', 'gnu'];
  for (const [index, name] of names.entries()) {
    await mkdir(path.join(data, name), { recursive: true });
    for (const shade of [0, 1, 2]) {
      const bytes = Uint8Array.from({ length: 48 }, (_, i) => 36 * index + 9 * shade + (i % 3));
      const file = path.join(data, name, `${shade}.png`);
      await writeFile(file, png({ data: bytes, width: 4, height: 4, channels: 3 }));
    }
  }
  const out = path.join(folder, 'out');
  const asked = ['train', '--from', from, '--data', data, '--learning-rate', '0.003'];
  const steps = ['--steps', '20', '--batch-size', '7', '--evaluate-every', '20', '--dtype', 'f32'];
  const { code, stderr, stdout } = await run(...asked, '--out', out, ...steps);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/data +20 pictures of 7 labels of .*pets, 1 held out/);
  const more = await run('train', '--resume', '--out', out, '--steps', '24', '--dtype', 'f32');
  expect({ code: more.code, stderr: more.stderr }).toEqual({ code: 0, stderr: '' });
  const log = await readLog<LogLine>(out);
  expect(log.map(({ step }) => step)).toEqual([20, 24]);
  expect(log[1]!.loss).toBeLessThan(log[0]!.loss);
  // The folder of the run is a model with its processor, and says what it learned.
  const seen = await run('see', out, path.join(data, 'gnu', '0.png'), '--top-k', '1');
  expect(seen.stdout).toMatch(/^(ant|bee|cat|dog|elk|fox|gnu)\t0\.\d+\n$/);
  const measured = await run('evaluate', out, '--data', data);
  expect(measured.stdout).toMatch(
    /^accuracy \d+\.\d % {2}macro f1 \d\.\d{4}\n21 pictures of 7 labels of .*pets in /,
  );

  await rm(path.join(data, 'gnu'), { recursive: true });
  // Other labels than the seven that it had get a head of their own.
  const fewer = path.join(folder, 'fewer');
  const few = await run(...asked, '--out', fewer, '--steps', '20', '--batch-size', '6');
  expect({ code: few.code, stderr: few.stderr }).toEqual({ code: 0, stderr: '' });
  expect(few.stdout).toContain('labels      6: ant, bee, cat, dog, elk, fox\n');
  expect(few.stdout).toMatch(/note +New, .*: "classifier.weight", "classifier.bias"\./);
  const fox = await run('see', fewer, path.join(data, 'fox', '0.png'), '--top-k', '6');
  for (const name of names) expect(fox.stdout.includes(name)).toBe(name !== 'gnu');
  const file = await run('train', '--from', from, '--data', from + '/config.json', '--out', data);
  expectRefusal(file, 'learns from a folder');
  const texts = ['--from', path.join(root, 'models', 'phrases'), '--data', data, '--out', out];
  await rm(out, { recursive: true });
  expectRefusal(await run('train', ...texts), 'is the folder', 'Pass a file');
});

test.each([
  ['a classifier of sounds', 'wav2vec2_seqcls'],
  ['a model of speech', 'wav2vec2_ctc'],
])('%s learns labels from folders, under their names', async (_, variant) => {
  const folder = await temporaryFolder('train-cli');
  const fixture = path.join(root, 'test', 'fixtures', 'variants', variant);
  const [from, data, out] = ['from', 'words', 'out'].map((name) => path.join(folder, name));
  await mkdir(from!);
  for (const name of ['config.json', 'model.safetensors']) {
    await copyFile(path.join(fixture, name), path.join(from!, name));
  }
  const extractor = { feature_extractor_type: 'Wav2Vec2FeatureExtractor' };
  await writeFile(path.join(from!, 'preprocessor_config.json'), JSON.stringify(extractor));
  for (const [label, wave] of Object.entries({ high: 2, low: 40 })) {
    await mkdir(path.join(data!, label), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const samples = Int16Array.from({ length: 800 }, (__, t) => 9000 * Math.sin(t / wave + i));
      const file = path.join(data!, label, `${i}.wav`);
      await writeFile(file, wavFile(new Uint8Array(samples.buffer)));
    }
  }
  const steps = [
    '--steps',
    '40',
    '--batch-size',
    '6',
    '--learning-rate',
    '0.005',
    '--dtype',
    'f32',
  ];
  const { code, stderr, stdout } = await run(
    'train',
    '--from',
    from!,
    '--data',
    data!,
    '--out',
    out!,
    ...steps,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain(`6 sounds of 2 labels of ${data}, 0 held out`);
  expect(stdout).toContain('labels      2: high, low\n');
  const log = await readLog<LogLine>(out!);
  expect(log.at(-1)!.loss).toBeLessThan(0.5 * Math.LN2);
  const kept = JSON.parse(await readFile(path.join(out!, 'config.json'), 'utf8')) as object;
  expect(kept).toMatchObject({ id2label: { 0: 'high', 1: 'low' } });
  const file = path.join(data!, 'low', '0.wav');
  const other = await run(
    'train',
    '--from',
    from!,
    '--data',
    file,
    '--out',
    path.join(folder, 'none'),
  );
  expectRefusal(other, 'learns from a folder');
});

test('adapters of a model of speech learn from sounds with their texts', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = path.join(root, 'test', 'fixtures', 'whisper_task');
  const data = path.join(folder, 'speech');
  await mkdir(data);
  // Of twenty, one is held out.
  const said = Array.from({ length: 20 }, (_, i) =>
    i % 2 === 0 ? ['one', 'Hallo Welt'] : ['two', 'Guten Tag!'],
  );
  for (const [i, [name]] of said.entries()) {
    await copyFile(path.join(from, `${name}.wav`), path.join(data, `${i}.wav`));
  }
  const table = path.join(data, 'metadata.csv');
  const rows = said.map(([, text], i) => `${i}.wav,${text}`);
  await writeFile(table, ['file_name,transcription', ...rows].join('\n'));
  const out = path.join(folder, 'out');
  const asked = ['train', '--from', from, '--data', data, '--out', out];
  expectRefusal(await run(...asked), 'language is missing', 'en, de, ja');
  const often = ['--evaluate-every', '30', '--learning-rate', '0.02'];
  const steps = ['--steps', '30', '--batch-size', '2', ...often];
  const { code, stderr, stdout } = await run(...asked, '--language', 'de', '--lora', '4', ...steps);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('19 sounds with texts of');
  expect(stdout).toMatch(/^step 30\/30 .* word error rate \d+\.\d %$/m);
  const more = await run('train', '--resume', '--out', out, '--steps', '50');
  expect({ code: more.code, stderr: more.stderr }).toEqual({ code: 0, stderr: '' });
  const log = await readLog<LogLine>(out);
  expect(log.map(({ step }) => step)).toEqual([25, 30, 50]);
  expect(log.at(-1)!.loss).toBeLessThan(log[0]!.loss);
  const heard = ['evaluate', from, '--adapter', out, '--data', data, '--language', 'de'];
  const measured = await run(...heard, '--batch-size', '5');
  expect(measured.stdout).toMatch(
    /^word error rate \d+\.\d %\n20 sounds with texts of .*speech in /,
  );
  await rm(out, { recursive: true });
  const pairs = ['train', '--from', from, '--data', table, '--out', out];
  expectRefusal(await run(...pairs), 'folder of sounds', 'metadata.csv');
});

test('train refuses what it cannot do', async () => {
  const folder = await temporaryFolder('train-cli');
  const from = path.join(root, 'models', 'phrases');
  const out = path.join(folder, 'out');
  const refuse = async (args: string[], ...parts: string[]): Promise<void> =>
    expectRefusal(await run('train', '--out', out, ...args), ...parts);
  await refuse(['--steps', '0'], '--steps', '"0"', 'at least 1');
  await refuse(['--from', from, '--dtype', 'int4'], '--dtype int4', '--lora N', 'adapters');
  await refuse(['--epochs', '3'], "'--epochs'");
  await refuse(['--from', path.join(folder, 'none')], 'no directory');
  await refuse(['--from', from, '--data', path.join(folder, 'none')], 'cannot be read', '--data');
  const marian = path.join(root, 'test', 'fixtures', 'marian');
  await refuse(['--from', marian], 'tokenizer');
  const file = path.join(folder, 'pairs.tsv');
  await writeFile(file, 'in 3 days\tin 3 Tagen\nin 4 days in 4 Tagen\n');
  await refuse(['--from', from, '--data', file], 'line 2', 'one tab');
  await writeFile(file, `in 3 days\tin 3 Tagen\nin 4 days\t${'4 Tage '.repeat(300)}\n`);
  await refuse(['--from', from, '--data', file], 'line 2', 'tokens', '512 positions');
  expect(await readdir(folder)).toEqual(['pairs.tsv']);
});

test('evaluate asks the embedded model for its whole field, and prints a table', async () => {
  const { code, stdout } = await run('evaluate', '--count', '1', '--seed', '5');
  expect(stdout).toMatch(/^ +date +dateWithTime +dateRange +time .* +list +all$/m);
  expect(stdout).toMatch(/^zh-fr( +\d\/1){12} +\d+\/12 +\d+\.\d %$/m);
  const right = Number(/^all .* (\d+)\/672 +\d+\.\d %$/m.exec(stdout)![1]);
  // Its model card has 98.2 %; three standard deviations of so many phrases are 1.6.
  expect(right / 672).toBeGreaterThan(0.966);
  expect(stdout).toMatch(/^672 phrases that training never saw in /m);
  expect(stdout).toMatch(/^failed: \d\d\.\d % overall \(wanted 99 %\), /m);
  expect(code).toBe(1);
});

test('evaluate fails a model that knows nothing, and refuses one of other languages', async () => {
  const folder = await temporaryFolder('train-cli');
  const tiny = await tinyCheckpoint(folder);
  const { code, stdout } = await run('evaluate', tiny, '--count', '1', '--misses', '--calibrate');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^all .* 0\/48 +0\.0 %$/m);
  expect(stdout).toMatch(/^de-en {2}.+ → .*\(right: .+\)$/m);
  expect(stdout).toMatch(/^failed: 0\.0 % overall/m);
  expect(stdout).toMatch(
    /^"score_calibration": \{ "slope": \S+, "offset": \S+ \} marks \d+\.\d % of 48 texts outside, 0\.0 % of/m,
  );
  const file = path.join(tiny, 'tokenizer.json');
  const text = await readFile(file, 'utf8');
  expect(stdout).toMatch(/^48 phrases that training never saw in .*$/m);
  await writeFile(file, text.replaceAll('>>fr<<', '>>ja<<'));
  expectRefusal(await run('evaluate', tiny), 'no tokens for fr');
  expectRefusal(await run('evaluate', tiny, tiny), 'evaluate [SOURCE]');
  expectRefusal(await run('evaluate', '--count', '0'), '--count', 'at least 1');
});

test('evaluate measures a translator by pairs of a file', async () => {
  const folder = await temporaryFolder('train-cli');
  const file = path.join(folder, 'pairs.tsv');
  await writeFile(file, '>>de<<in 3 days\tin 3 Tagen\n>>fr<<3 kilometers\t3 kilomètres.\n');
  const phrases = path.join(root, 'models', 'phrases');
  const { code, stderr, stdout } = await run('evaluate', phrases, '--data', file, '--dtype', 'f32');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^exact match 50\.0 % {2}chr f 9\d\.\d{4}\n2 pairs of .*pairs\.tsv in /);
});

/** The bytes of each tensor of a safetensors file. */
function tensors(file: Buffer): Map<string, Buffer> {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    entries.map(
      ([
        name,
        {
          data_offsets: [start, end],
        },
      ]) => [name, file.subarray(8 + length + start, 8 + length + end)],
    ),
  );
}
