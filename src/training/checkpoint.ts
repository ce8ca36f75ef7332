// Saves a run: one file with all that a trainer keeps, and the model in Hugging Face's layout. The first
// holds the model too, so that a run can go on from it alone whatever happens between two files; each
// file is written whole or not at all.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { allOf, readBack } from '../runtime/read-back.ts';
import { isObject, parseJson } from '../source/json.ts';
import { quantizationFields } from '../model/weights/quantization-fields.ts';
import {
  layOut,
  namedValues,
  readParameters,
  writeSegments,
} from '../model/weights/read-parameters.ts';
import { openSafetensorsFile, readTensors, type TensorEntry } from '../source/safetensors.ts';
import { safetensors, type StoredValues } from '../source/safetensors-writer.ts';
import { describeFile, readRange, type Source } from '../source/source.ts';
import { type NamedFile, openTarget, type Target } from '../source/target.ts';
import { readStates, writeStates } from './optimizer-states.ts';
import { allocationTensors, resumeAllocation } from './adapters/allocation-state.ts';
import { filesOf, type RunConfigs, writeFiles } from './model-files.ts';
import type { Trainer } from './trainer.ts';

/** The file with the state of a run. */
export const stateFile = 'training_state.safetensors';

/** How a model is saved. */
export interface SaveModelOptions {
  /** Storage format of the weights; f32 by default. */
  dtype?: 'f32' | 'f16';
}

/** Writes the state of a run, says so, then writes the model. @throws as `Trainer.save` */
export async function saveRun(
  trainer: Trainer,
  target: string | URL | Target,
  options: SaveModelOptions,
  onState: (file: NamedFile) => void,
): Promise<void> {
  const checked = checkSaveOptions(options);
  const [state, model] = await allOf([stateFileOf(trainer), modelFiles(trainer, checked)]);
  await writeFiles(openTarget(target), [state, ...model], (name) => {
    if (name === stateFile) onState(state);
  });
}

/** A state file in memory, to restore a run from. */
export function stateSource({ name, bytes }: NamedFile): Source {
  return {
    name: 'the last save',
    read: async (file, range) =>
      file === name ? bytes.subarray(range?.start, range?.end) : undefined,
    size: async (file) => (file === name ? bytes.length : undefined),
  };
}

/** Writes the model alone. */
export async function saveModel(
  trainer: Trainer,
  target: string | URL | Target,
  options: SaveModelOptions,
): Promise<void> {
  const files = await modelFiles(trainer, checkSaveOptions(options));
  await writeFiles(openTarget(target), files);
}

/** @throws TransformerError OPTION_UNKNOWN, OPTION_INVALID */
function checkSaveOptions(options: SaveModelOptions): Required<SaveModelOptions> {
  refuseUnknown(options, ['dtype'], 'option of save');
  const { dtype = 'f32' } = options;
  if (['f32', 'f16'].includes(dtype)) return { dtype };
  throw new TransformerError('OPTION_INVALID', `dtype is ${show(dtype)}; wanted 'f32' or 'f16'.`);
}

/**
 * config.json, generation_config.json and model.safetensors, as the parameters stand when called; with
 * an adapter, the files of that.
 */
async function modelFiles(
  { model, gpu, state, options: { adapter } }: Trainer,
  { dtype }: Required<SaveModelOptions>,
): Promise<NamedFile[]> {
  if (adapter !== undefined) {
    if (dtype === 'f32') return adapter.files();
    throw new TransformerError(
      'OPTION_INVALID',
      `dtype is '${dtype}', but adapters are saved in f32. Leave dtype out.`,
    );
  }
  return filesOf(configsOf(model), await readParameters(gpu, state.parameters), dtype);
}

/** As they are written beside weights in f32, which are not quantised, so that a run that goes on has the same. */
function configsOf({ config: given, generation, sentence }: Trainer['model']): RunConfigs {
  const fields = Object.entries(given).filter(([name]) => !quantizationFields.includes(name));
  const config = { ...Object.fromEntries(fields), torch_dtype: 'float32' };
  return {
    config,
    ...(generation !== given && { generation }),
    ...(sentence && { modules: sentence.files }),
  };
}

/**
 * The state file: parameters, optimizer states, counters, and how far the run is, when called; with the
 * settings of the model and what does not train in it.
 */
async function stateFileOf(trainer: Trainer): Promise<NamedFile> {
  const { gpu, state, options } = trainer;
  // All is read before the first await: a caller that goes on training must not change what is saved.
  const run = { step: trainer.step, batch: trainer.batchesUsed };
  const { parameters } = state;
  const ranks = allocationTensors(trainer);
  const [[counters], own, kept, watched] = await allOf([
    readBack(gpu, [state.counters]),
    readParameters(gpu, parameters),
    readStates(state.scope, parameters, state.runs, options.optimizer.states),
    ranks,
  ] as const);
  const groups = [own, ...kept.map((blocks) => namedValues(parameters, blocks))];
  const tensors = new Map<string, StoredValues>();
  const fixed = new Set(state.parameters.constants.map(({ name }) => name));
  groups.forEach((values, index) => {
    const group = index === 0 ? 'parameters' : (options.optimizer.states[index - 1] ?? '');
    for (const [name, value] of values) {
      tensors.set(`${fixed.has(name) ? 'constants' : group}.${name}`, value);
    }
  });
  for (const [name, value] of watched) tensors.set(name, value);
  tensors.set('counters', { shape: [4], data: new Uint32Array(counters ?? new ArrayBuffer(16)) });
  const { name, settings } = options.optimizer;
  const about = JSON.stringify({ ...run, seed: options.seed, optimizer: { name, ...settings } });
  const model = options.adapter === undefined && {
    model: JSON.stringify(configsOf(trainer.model)),
  };
  const metadata = { format: 'pt', training: about, ...model };
  return { name: stateFile, bytes: safetensors(tensors, { metadata }) };
}

/**
 * Takes a run up again from its state file: parameters, optimizer states, step. On the same device the
 * run goes on bit for bit.
 * @throws TransformerError FILE_*, TENSOR_MISSING, TENSOR_MISMATCH, OPTION_INVALID; nothing has changed
 */
export async function restoreState(trainer: Trainer, source: Source): Promise<void> {
  const { gpu, state, options } = trainer;
  const { run, counters, group } = await readState(source);
  const { name, settings } = options.optimizer;
  const wanted = show({ name, ...settings }, 1000);
  const got = show(run.optimizer, 1000);
  if (got !== wanted || run.seed !== options.seed) {
    throw new TransformerError(
      'OPTION_INVALID',
      `The run in ${describeFile(source, stateFile)} used optimizer ${got} and seed ${run.seed}; ` +
        `this trainer has ${wanted} and ${options.seed}. Resume with the same settings.`,
    );
  }
  const [own = [], ...kept] = ['parameters', ...options.optimizer.states].map((prefix) =>
    layOut(state.parameters, group(prefix)),
  );
  const resume = resumeAllocation(trainer, group);
  // All is checked; from here on nothing fails.
  resume?.();
  writeSegments(gpu, state.parameters.segments, own);
  writeStates(state.scope, state.runs, kept);
  const { buffer } = state.counters;
  if (buffer !== undefined) gpu.device.queue.writeBuffer(buffer, 0, counters);
  trainer.resumeAt(run.step, run.batch);
}

/** What a state file holds. */
interface RunState {
  readonly run: Run;
  readonly counters: Uint8Array<ArrayBuffer>;
  /** The tensors whose names begin with a prefix and a point, by the rest of their names. */
  readonly group: (prefix: string) => Map<string, StoredValues>;
}

/** Reads a state file. @throws TransformerError FILE_*, TENSOR_MISSING, TENSOR_MISMATCH */
export async function readState(source: Source): Promise<RunState> {
  const entries = await openSafetensorsFile(source, stateFile);
  const run = await readRun(source);
  const blocks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [key, entry] of entries) {
    expectStored(entry, key === 'counters' ? { dtype: 'U32', shape: [4] } : { dtype: 'F32' });
    blocks.set(key, new Uint8Array(entry.end - entry.start));
  }
  for await (const { entry, offset, bytes } of readTensors(source, entries.values(), {})) {
    blocks.get(entry.name)?.set(bytes, offset);
  }
  const group = (prefix: string): Map<string, StoredValues> => {
    const values = new Map<string, StoredValues>();
    for (const [key, { shape }] of entries) {
      const data = blocks.get(key);
      if (data === undefined || !key.startsWith(`${prefix}.`)) continue;
      values.set(key.slice(prefix.length + 1), { shape, data: new Float32Array(data.buffer) });
    }
    return values;
  };
  const counters = blocks.get('counters');
  if (counters !== undefined) return { run, counters, group };
  throw new TransformerError('TENSOR_MISSING', 'The training state has no "counters".');
}

/** Refuses a tensor that is stored otherwise than `stateFileOf` does. */
function expectStored(
  { name, dtype, shape }: TensorEntry,
  wanted: { readonly dtype: string; readonly shape?: readonly number[] },
): void {
  const wantedShape = wanted.shape ?? shape;
  if (dtype === wanted.dtype && shape.join() === wantedShape.join()) return;
  throw new TransformerError(
    'TENSOR_MISMATCH',
    `"${name}" is ${dtype} of shape (${shape.join(', ')}) in the training state; wanted ` +
      `${wanted.dtype} of shape (${wantedShape.join(', ')}). Use the file as the trainer wrote it.`,
  );
}

interface Run {
  readonly step: number;
  readonly batch: number;
  readonly seed: number;
  readonly optimizer: unknown;
  /** Of a run that trains a model itself, not an adapter. */
  readonly model: RunConfigs | undefined;
}

/** What the state file's header says of the run. */
async function readRun(source: Source): Promise<Run> {
  const prefix = await readRange(source, stateFile, { start: 0, end: 8 });
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  const bytes = await readRange(source, stateFile, { start: 8, end: 8 + length });
  const header = parseJson(new TextDecoder().decode(bytes), stateFile);
  const metadata = isObject(header) ? header['__metadata__'] : undefined;
  const said = (name: string): unknown => {
    const text = isObject(metadata) ? metadata[name] : undefined;
    return typeof text === 'string' ? parseJson(text, stateFile) : undefined;
  };
  const run = said('training');
  if (isObject(run)) {
    const { step, batch, seed, optimizer } = run;
    const isCount = (value: unknown): value is number =>
      Number.isSafeInteger(value) && Number(value) >= 0;
    if (isCount(step) && isCount(batch) && Number.isSafeInteger(seed)) {
      const configs = said('model');
      const { config, generation, modules } = isObject(configs) ? configs : {};
      const model = isObject(config)
        ? {
            config,
            ...(isObject(generation) && { generation }),
            ...(isObject(modules) && { modules }),
          }
        : undefined;
      return { step, batch, seed: Number(seed), optimizer, model };
    }
  }
  throw new TransformerError(
    'FILE_INVALID',
    `${describeFile(source, stateFile)} does not say how far its run was. It was not written by a trainer.`,
  );
}
