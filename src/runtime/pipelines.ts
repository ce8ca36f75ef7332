// Compiles kernels: once per device and variant, asynchronously, in parallel, never twice at once.

import { STAGE_COMPUTE } from './constants.ts';
import { TransformerError } from './errors.ts';
import { entryPoint, type Kernel, type Snippet, type Variant } from './kernel.ts';
import { awaited } from './waiting.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  /** The names of the kernels that were asked for. */
  readonly kernels: Set<string> = new Set();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The pipeline of a variant; a failed one is forgotten, so that a later call tries again. */
  get(variant: Variant): Promise<Pipeline> {
    this.kernels.add(variant.kernel.name);
    let pipeline = this.#pipelines.get(variant.key);
    if (pipeline === undefined) {
      pipeline = compile(this.#device, variant);
      this.#pipelines.set(variant.key, pipeline);
      pipeline.catch(() => this.#pipelines.delete(variant.key));
    }
    return pipeline;
  }
}

async function compile(device: GPUDevice, variant: Variant): Promise<Pipeline> {
  const { kernel } = variant;
  const snippets = await Promise.all(variant.snippets.map(loaded));
  device.pushErrorScope('validation');
  const code = snippets.map((snippet) => snippet.text).join('\n');
  const module = device.createShaderModule({ label: kernel.name, code });
  const layout = device.createBindGroupLayout({ label: kernel.name, entries: layoutOf(kernel) });
  const pending = device.createComputePipelineAsync({
    label: kernel.name,
    layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: entryPoint(kernel) },
  });
  const [settled, scope, info] = await Promise.all([
    awaited(pending).then(
      (pipeline) => ({ pipeline }),
      (error: unknown) => ({ error }),
    ),
    device.popErrorScope(),
    module.getCompilationInfo(),
  ]);
  if ('pipeline' in settled && scope === null) return { pipeline: settled.pipeline, layout };

  const messages = info.messages
    .filter((message) => message.type === 'error')
    .map((message) => `${locate(snippets, message.lineNum)}: ${message.message}`);
  const cause = 'error' in settled ? settled.error : scope;
  const reason = messages.join('\n') || (cause instanceof Error ? cause.message : scope?.message);
  throw new TransformerError(
    'SHADER_INVALID',
    `Kernel ${kernel.name} does not compile on this device.\n${reason ?? 'No reason was given.'}`,
    { cause },
  );
}

interface LoadedSnippet extends Snippet {
  readonly text: string;
}

async function loaded({ file, text }: Snippet): Promise<LoadedSnippet> {
  return { file, text: typeof text === 'string' ? text : await text() };
}

function layoutOf(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const entries: GPUBindGroupLayoutEntry[] = [
    { binding: 0, visibility: STAGE_COMPUTE, buffer: { type: 'uniform' } },
  ];
  for (const access of Object.values(kernel.bindings)) {
    entries.push({
      binding: entries.length,
      visibility: STAGE_COMPUTE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    });
  }
  return entries;
}

/** Maps a line of the joined text back to "file:line". */
function locate(snippets: readonly LoadedSnippet[], line: number): string {
  let first = 1;
  for (const { file, text } of snippets) {
    const lines = text.split('\n').length;
    if (line < first + lines) return `${file}:${line - first + 1}`;
    first += lines;
  }
  return `line ${line}`;
}
