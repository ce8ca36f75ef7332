// BERT and RoBERTa on the CPU in float64, as slow and plain as the papers: what tasks are tested with
// apart from any device.

import { type DenseTensor, TransformerError } from 'webgpu-transformer';
import { float16ToFloat32 } from '../../src/source/float16.ts';
import type { TaskInputs, TaskModel, TaskOutput } from '../../src/tasks/task.ts';

type Matrix = Float64Array<ArrayBuffer>[];

/** The F16 tensors of safetensors files by name. */
export function halfTensors(files: readonly Uint8Array<ArrayBuffer>[]): Map<string, Matrix> {
  const tensors = new Map<string, Matrix>();
  for (const file of files) {
    const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start))) as Record<
      string,
      { shape: number[]; data_offsets: [number, number] }
    >;
    for (const [name, { shape, data_offsets: range }] of Object.entries(header)) {
      if (name === '__metadata__') continue;
      const bytes = file.slice(start + range[0], start + range[1]);
      const values = Float64Array.from(float16ToFloat32(new Uint16Array(bytes.buffer)));
      const width = shape.at(-1)!;
      const rows = values.length / width;
      tensors.set(
        name,
        Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width)),
      );
    }
  }
  return tensors;
}

export class CpuEncoder implements TaskModel {
  readonly config: Record<string, unknown>;
  readonly maxPositions: number;
  /** The sizes of the batches it was given: rows × tokens. */
  readonly batches: [number, number][] = [];
  readonly #tensors: Map<string, Matrix>;
  readonly #prefix: string;

  constructor(config: Record<string, unknown>, tensors: Map<string, Matrix>) {
    this.config = config;
    this.#tensors = tensors;
    this.#prefix = String(config['model_type']);
    const positions = Number(config['max_position_embeddings']);
    this.maxPositions = this.#prefix === 'roberta' ? positions - this.#pad - 1 : positions;
  }

  get #pad(): number {
    return Number(this.config['pad_token_id']);
  }

  async forward(inputs: TaskInputs): Promise<TaskOutput> {
    const length = inputs.inputIds[0]!.length;
    this.batches.push([inputs.inputIds.length, length]);
    if (length > this.maxPositions) {
      throw new TransformerError('INPUT_INVALID', `${length} tokens are too many.`);
    }
    const states = inputs.inputIds.map((ids, row) =>
      this.#encode(ids, inputs.attentionMask[row]!, inputs.tokenTypeIds?.[row]),
    );
    const named = (name: string): boolean => this.#tensors.has(`${name}.weight`);
    const each = (work: (rows: Matrix) => Matrix): DenseTensor => dense(states.map(work));
    if (named('qa_outputs')) {
      const logits = states.map((rows) => this.#linear(rows, 'qa_outputs'));
      const column = (at: number): DenseTensor =>
        dense(
          logits.map((rows) => [Float64Array.from(rows, (row) => row[at]!)]),
          true,
        );
      return { startLogits: column(0), endLogits: column(1) };
    }
    if (named('cls.predictions.transform.dense')) {
      return {
        logits: each((rows) => this.#words(rows, 'cls.predictions.transform.', '.LayerNorm')),
      };
    }
    if (named('lm_head.dense'))
      return { logits: each((rows) => this.#words(rows, 'lm_head.', '')) };
    if (named('classifier.out_proj')) {
      const logits = (rows: Matrix): Matrix =>
        this.#linear(tanh(this.#linear([rows[0]!], 'classifier.dense')), 'classifier.out_proj');
      return { logits: dense(states.map(logits), true) };
    }
    if (!named('classifier')) return { lastHiddenState: each((rows) => rows) };
    const architecture = String((this.config['architectures'] as string[])[0]);
    if (architecture.endsWith('ForTokenClassification')) {
      return { logits: each((rows) => this.#linear(rows, 'classifier')) };
    }
    const pooled = (rows: Matrix): Matrix =>
      tanh(this.#linear([rows[0]!], `${this.#prefix}.pooler.dense`));
    return {
      logits: dense(
        states.map((rows) => this.#linear(pooled(rows), 'classifier')),
        true,
      ),
    };
  }

  generate(): never {
    throw new Error('An encoder does not generate.');
  }

  stream(): never {
    throw new Error('An encoder does not generate.');
  }

  #encode(ids: readonly number[], mask: readonly number[], types?: readonly number[]): Matrix {
    const at = (name: string): Matrix => this.#get(`${this.#prefix}.embeddings.${name}.weight`);
    let place = this.#pad;
    const positions = ids.map((id, t) =>
      this.#prefix === 'bert' ? t : id === this.#pad ? this.#pad : ++place,
    );
    let x = ids.map((id, t) =>
      at('word_embeddings')[id]!.map(
        (value, i) =>
          value +
          at('position_embeddings')[positions[t]!]![i]! +
          at('token_type_embeddings')[types?.[t] ?? 0]![i]!,
      ),
    );
    x = this.#norm(x, `${this.#prefix}.embeddings.LayerNorm`);
    for (let layer = 0; layer < Number(this.config['num_hidden_layers']); layer++) {
      const name = `${this.#prefix}.encoder.layer.${layer}.`;
      const attended = this.#linear(this.#attend(x, mask, name), `${name}attention.output.dense`);
      x = this.#norm(add(x, attended), `${name}attention.output.LayerNorm`);
      const inner = this.#linear(x, `${name}intermediate.dense`).map((row) => row.map(gelu));
      x = this.#norm(add(x, this.#linear(inner, `${name}output.dense`)), `${name}output.LayerNorm`);
    }
    return x;
  }

  #attend(x: Matrix, mask: readonly number[], layer: string): Matrix {
    const part = (name: string): Matrix => this.#linear(x, `${layer}attention.self.${name}`);
    const [q, k, v] = [part('query'), part('key'), part('value')];
    const heads = Number(this.config['num_attention_heads']);
    const size = x[0]!.length / heads;
    return q.map((query) => {
      const out = new Float64Array(x[0]!.length);
      for (let head = 0; head < heads; head++) {
        const own = Array.from({ length: size }, (_, i) => head * size + i);
        const scores = k.map((key, s) =>
          mask[s] === 1
            ? own.reduce((sum, i) => sum + query[i]! * key[i]!, 0) / Math.sqrt(size)
            : -Infinity,
        );
        const most = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - most));
        const sum = powers.reduce((a, b) => a + b, 0);
        for (const i of own) {
          out[i] = powers.reduce((total, power, s) => total + (power / sum) * v[s]![i]!, 0);
        }
      }
      return out;
    });
  }

  /** The head of a masked language model, tied to the word embeddings. */
  #words(rows: Matrix, name: string, norm: string): Matrix {
    const inner = this.#linear(rows, `${name}dense`).map((row) => row.map(gelu));
    const normed = this.#norm(inner, norm === '' ? `${name}layer_norm` : `${name}LayerNorm`);
    const bias = this.#get(name.startsWith('lm') ? 'lm_head.bias' : 'cls.predictions.bias')[0]!;
    const words = this.#get(`${this.#prefix}.embeddings.word_embeddings.weight`);
    return product(normed, words, bias);
  }

  #linear(rows: Matrix, name: string): Matrix {
    return product(rows, this.#get(`${name}.weight`), this.#get(`${name}.bias`)[0]!);
  }

  #norm(rows: Matrix, name: string): Matrix {
    const [weight, bias] = [this.#get(`${name}.weight`)[0]!, this.#get(`${name}.bias`)[0]!];
    const eps = Number(this.config['layer_norm_eps']);
    return rows.map((row) => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
      return row.map((x, i) => ((x - mean) / Math.sqrt(variance + eps)) * weight[i]! + bias[i]!);
    });
  }

  #get(name: string): Matrix {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`The checkpoint has no ${name}.`);
    return tensor;
  }
}

/** x · wᵀ + b */
function product(x: Matrix, w: Matrix, b: Float64Array<ArrayBuffer>): Matrix {
  return x.map((row) =>
    Float64Array.from(w, (weights, j) => weights.reduce((sum, v, i) => sum + v * row[i]!, b[j]!)),
  );
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, t) => row.map((x, i) => x + b[t]![i]!));
}

function tanh(x: Matrix): Matrix {
  return x.map((row) => row.map(Math.tanh));
}

function gelu(x: number): number {
  return (x / 2) * (1 + erf(x / Math.SQRT2));
}

/** By its series, which is exact to float64 for the arguments of these models. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** (B, rows, columns), or (B, columns) of one row each. */
function dense(batch: readonly Matrix[], flat = false): DenseTensor {
  const [rows, columns] = [batch[0]!.length, batch[0]![0]!.length];
  const data = Float32Array.from(batch.flatMap((matrix) => matrix.flatMap((row) => [...row])));
  return { data, shape: flat ? [batch.length, columns] : [batch.length, rows, columns] };
}
