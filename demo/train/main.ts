// The training page: settings go to a worker, which trains; what it reports is shown. At most one run
// exists; it ends with its worker.

import type { TrainingStep } from 'webgpu-transformer/training';
import { AttentionView } from '../attention-view.ts';
import { byId, create, megabytes } from '../elements.ts';
import { listen, offer, type State } from './controls.ts';
import { LooksView } from './looks-view.ts';
import { LossCurve } from './loss-curve.ts';
import type { Command, Look, Report, RunFacts, Settings, Stage } from './protocol.ts';
import { SavedView } from './saved-view.ts';

const status = byId('status', HTMLElement);
const problem = byId('problem', HTMLElement);
const kinds = byId('kinds', HTMLFieldSetElement);

const curve = new LossCurve(byId('loss', HTMLElement));
const looks = new LooksView();
const saved = new SavedView();
const attention = new AttentionView();

/** Speeds of the last steps; the middle one is shown. */
const speedsKept = 15;

let worker: Worker | undefined;
let state: State = 'idle';
let facts: RunFacts | undefined;
let lastLook: Look | undefined;
let speeds: number[] = [];

const stages: Readonly<Record<Stage, string>> = {
  device: 'Opening the GPU …',
  tokens: 'Writing phrases and learning a vocabulary from them …',
  model: 'Drawing the weights and compiling the kernels …',
};

function enter(next: State, text?: string): void {
  state = next;
  offer(next);
  if (text !== undefined) status.textContent = text;
}

function order(command: Command): void {
  worker?.postMessage(command, []);
}

function start(settings: Settings): void {
  if (worker !== undefined) return;
  problem.hidden = true;
  saved.clear();
  speeds = [];
  worker = new Worker(new URL('worker.ts', import.meta.url), { type: 'module', name: 'training' });
  worker.addEventListener('message', ({ data }: MessageEvent<Report>) => hear(data));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    fail('', event.message || 'The worker did not start.');
  });
  enter('opening', 'Starting …');
  order({ type: 'start', settings });
}

function hear(report: Report): void {
  if (state === 'stopping' && report.type !== 'stopped' && report.type !== 'failed') return;
  switch (report.type) {
    case 'stage':
      status.textContent = stages[report.stage];
      return;
    case 'ready':
      begin(report.facts);
      return;
    case 'running':
      enter('running', 'Training …');
      return;
    case 'step':
      showStep(report.step, report.gpuBytes);
      return;
    case 'look':
      showLook(report.look);
      return;
    case 'paused':
      enter('paused', `Paused after step ${report.step}.`);
      curve.describe();
      return;
    case 'finished':
      enter('finished', `Finished all ${report.step} steps. Save the model, or stop.`);
      curve.describe();
      return;
    case 'saved':
      saved.show(report.step, report.files);
      return;
    case 'stopped':
      showMemory(report.gpuBytes);
      end('Stopped.');
      return;
    case 'failed':
      fail(report.code, report.message);
      return;
  }
}

/** Ends the worker, and with it whatever it holds. */
function end(text: string): void {
  worker?.terminate();
  worker = undefined;
  enter('idle', text);
}

function fail(code: string, message: string): void {
  const isMissing = code === 'ADAPTER_NOT_FOUND';
  const titles: Readonly<Record<string, string>> = {
    ADAPTER_NOT_FOUND: 'WebGPU is missing',
    DEVICE_LOST: 'The GPU is gone',
    TRAINING_DIVERGED: 'Training went astray',
  };
  problem.replaceChildren(
    create('strong', {}, titles[code] ?? 'This did not work'),
    create('p', {}, message),
  );
  problem.hidden = false;
  end(isMissing ? 'Training needs WebGPU.' : 'The run is over. Start begins a new one.');
}

function begin(run: RunFacts): void {
  facts = run;
  lastLook = undefined;
  curve.clear(run.leastLoss);
  looks.begin(run.samples);
  attention.setStale(true);
  for (const name of ['loss', 'right', 'speed', 'learning-rate', 'skipped']) showFact(name, '–');
  showFact('step', `0 of ${run.steps}`);
  showFact('adapter', run.adapter);
  showFact('parameters', run.parameters.toLocaleString('en'));
}

function showStep({ step, loss, ...rest }: TrainingStep, gpuBytes: number): void {
  const smoothed = curve.add(step, loss);
  speeds = [...speeds.slice(1 - speedsKept), rest.tokensPerSecond];
  const speed = speeds.toSorted((a, b) => a - b)[Math.floor(speeds.length / 2)] ?? 0;
  showFact('step', `${step} of ${facts?.steps ?? 0}`);
  showFact('loss', smoothed.toFixed(3));
  showFact('speed', `${Math.round(speed).toLocaleString('en')} tokens/s`);
  showFact('learning-rate', rest.learningRate.toPrecision(3));
  showFact('skipped', String(rest.skippedSteps));
  showMemory(gpuBytes);
}

function showLook(look: Look): void {
  lastLook = look;
  const right = looks.show(look.step, look.answers);
  const of = `${right} of ${look.answers.length}`;
  showFact('right', of);
  if (look.step > 0) status.textContent = `Training: step ${look.step}, ${of} phrases right.`;
  curve.describe();
  showAttention();
}

function showAttention(): void {
  if (lastLook === undefined) return;
  const chosen = kinds.querySelector<HTMLInputElement>('input:checked')?.value;
  attention.show(chosen === 'encoder' ? lastLook.encoder : lastLook.cross);
}

function showMemory(bytes: number): void {
  showFact('memory', bytes === 0 ? '0 bytes' : megabytes(bytes));
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

listen({
  start,
  pause: () => {
    enter('pausing', 'Pausing …');
    order({ type: 'pause' });
  },
  resume: () => {
    enter('opening', 'Resuming …');
    order({ type: 'resume' });
  },
  stop: () => {
    enter('stopping', 'Stopping …');
    order({ type: 'stop' });
  },
  save: () => order({ type: 'save' }),
});
kinds.addEventListener('change', showAttention);
offer('idle');
curve.clear(0);
