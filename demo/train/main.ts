// The training page: settings go to a worker, which trains; what it reports is shown.

import type { TrainingStep } from 'webgpu-transformer/training';
import { AttentionView } from '../attention-view.ts';
import { byId } from '../elements.ts';
import { chosenSettings, offerPresets } from './controls.ts';
import { LooksView } from './looks-view.ts';
import { LossCurve } from './loss-curve.ts';
import type { Look, Outcome, RunFacts, Settings } from './protocol.ts';
import { RunControl, showMemory } from './run-control.ts';
import { SavedView } from './saved-view.ts';
import { Trial } from './trial.ts';

const kinds = byId('kinds', HTMLFieldSetElement);

const curve = new LossCurve(byId('loss', HTMLElement), 'token');
const looks = new LooksView();
const saved = new SavedView('phrases');
const attention = new AttentionView();

/** Speeds of the last steps; the middle one is shown. */
const speedsKept = 15;

let facts: RunFacts | undefined;
let lastLook: Look | undefined;
let speeds: number[] = [];

offerPresets();
const control = new RunControl<Settings, Outcome>({
  status: byId('status', HTMLElement),
  problem: byId('problem', HTMLElement),
  stages: {
    device: 'Opening the GPU …',
    data: 'Writing phrases and learning a vocabulary from them …',
    model: 'Drawing the weights and compiling the kernels …',
  },
  createWorker: () =>
    new Worker(new URL('worker.ts', import.meta.url), { type: 'module', name: 'training' }),
  settings: chosenSettings,
  begin: () => {
    saved.clear();
    speeds = [];
  },
  hear,
  rest: () => curve.describe(),
  enter: (state) => trial.offer(state),
});
const trial = new Trial((question) => control.try(question));
trial.offer('idle');

function hear(report: Outcome): void {
  switch (report.type) {
    case 'ready':
      begin(report.facts);
      return;
    case 'step':
      showStep(report.step, report.gpuBytes);
      return;
    case 'look':
      showLook(report.look);
      return;
    case 'tried':
      trial.show(report.question, report.answer);
      return;
    case 'saved':
      saved.show(report.step, report.files);
      return;
  }
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
  if (look.step > 0) control.tell(`Training: step ${look.step}, ${of} phrases right.`);
  curve.describe();
  showAttention();
}

function showAttention(): void {
  if (lastLook === undefined) return;
  const chosen = kinds.querySelector<HTMLInputElement>('input:checked')?.value;
  attention.show(chosen === 'encoder' ? lastLook.encoder : lastLook.cross);
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

kinds.addEventListener('change', showAttention);
curve.clear(0);
