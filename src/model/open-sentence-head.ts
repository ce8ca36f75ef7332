// Opens what sentence-transformers puts behind a model: modules.json, and the weights of the layers that it names.

import { TransformerError } from '../runtime/errors.ts';
import { isObject, show } from '../source/json.ts';
import { openSafetensors, type TensorEntry } from '../source/safetensors.ts';
import { readJson, type Source } from '../source/source.ts';
import type { Activation } from '../shaders/matmul/matmul.ts';
import type { Architecture } from './family.ts';
import { layerNormWeights } from './layers/norm-weights.ts';
import type { Model } from './model.ts';
import type { SentenceHead, VectorLayer } from './sentence-layers.ts';
import {
  readModuleList,
  type SentenceModule,
  torchClass,
  unsupported,
  within,
  wrongSize,
} from './sentence-modules.ts';
import { SequenceModel } from './sequence-model.ts';
import type { WeightLoader } from './weights/weights.ts';

/** A head whose weights are still to be declared. */
interface OpenedHead {
  /** The tensors of its layers, by the folder and their names. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** An architecture with this head. Errors: MODEL_UNSUPPORTED for models of several stacks. */
  around(architecture: Architecture): Architecture;
}

/** Settings that go with the modules. */
const settingsFiles = ['sentence_bert_config.json', 'config_sentence_transformers.json'];

/** Opens what modules.json names. Errors: FILE_*, MODEL_UNSUPPORTED for what does not train, OPTION_INVALID beside a head. */
export async function openSentenceHead(
  files: Source,
  { head, signal }: { readonly head: unknown; readonly signal: AbortSignal | undefined },
): Promise<OpenedHead> {
  if (head !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      'head begins a classifier, modules takes along what makes vectors of texts. Leave one out.',
    );
  }
  const { pooling: poolings, modules, files: found } = await readModuleList(files, signal);
  const [pooling] = poolings;
  if (poolings.length > 1 || (pooling !== 'mean' && pooling !== 'cls' && pooling !== 'last')) {
    throw untrained(files, `the pooling is ${poolings.join(' with ')}`);
  }
  const settings = { ...found };
  for (const name of settingsFiles) {
    const value = await readJson(files, name, { signal });
    if (isObject(value)) settings[name] = value;
  }
  const entries = new Map<string, TensorEntry>();
  for (const { kind, folder } of modules) {
    if (kind !== 'Dense' && kind !== 'LayerNorm') continue;
    for (const entry of (await openSafetensors(within(files, folder), { signal })).values()) {
      const own = { ...entry, name: `${folder}.${entry.name}`, file: `${folder}/${entry.file}` };
      entries.set(own.name, own);
    }
  }
  return {
    entries,
    around: (architecture) => (config, loader) => {
      const make = architecture(config, loader);
      // Behind the model its names have no prefix.
      const layers = loader.within('', () =>
        modules.map((module) => layerOf(files, module, loader)),
      );
      const sentence: SentenceHead = { pooling, layers, files: settings };
      return (parts) => oneStack(files, make({ ...parts, sentence }));
    },
  };
}

function oneStack(files: Source, model: Model): Model {
  if (model instanceof SequenceModel) return model;
  model.dispose();
  throw untrained(files, 'its model has more than one stack');
}

/** Activations by their classes in torch.nn. */
const activations: Readonly<Record<string, Activation>> = {
  GELU: 'gelu',
  Identity: 'none',
  ReLU: 'relu',
  SiLU: 'silu',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
};

function layerOf(files: Source, module: SentenceModule, loader: WeightLoader): VectorLayer {
  const { kind, type, folder, config } = module;
  if (kind === 'Normalize') return 'normalize';
  if (kind === 'Dropout') return { rate: Number(config['dropout'] ?? 0.2) };
  if (kind === 'LayerNorm') {
    return { norm: layerNormWeights(loader, `${folder}.norm`, Number(config['dimension'])) };
  }
  if (kind !== 'Dense') throw untrained(files, `modules.json names the module ${show(type)}`);
  const [width, size] = [Number(config['in_features']), Number(config['out_features'])];
  const named = config['activation_function'] ?? 'torch.nn.Tanh';
  const activation = activations[torchClass(named) ?? ''];
  if (activation === undefined) {
    throw untrained(files, `the activation of ${folder} is ${show(named)}`);
  }
  const projection = width === size ? 'vector' : undefined;
  return {
    dense: loader.linear(`${folder}.linear`, size, width, { bias: config['bias'] !== false }),
    activation,
    ...(config['use_residual'] === true && {
      residual: projection ?? loader.linear(`${folder}.residual`, size, width, { bias: false }),
    }),
    mismatch: (given) => wrongSize(files, folder, [width, given]),
  };
}

function untrained(files: Source, what: string): Error {
  return unsupported(
    files,
    what,
    'Leave modules out and pass the pooling to contrastive, or load another checkpoint.',
  );
}
