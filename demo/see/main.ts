// The page that sees: a digit is drawn, or a picture chosen; a model reads it at once, as often as it is done with the
// last one, and shows where it looked.

import type { Model, ModelSource } from 'webgpu-transformer';
import { describeAdapter } from '../adapter-name.ts';
import { type Picture, pictureOfGray, pictureOfStrokes } from '../digits/place.ts';
import { byId, create, duration, megabytes } from '../elements.ts';
import { codeOf, showProblem } from '../problem.ts';
import { Examples } from './examples.ts';
import { acceptFiles, grayOf } from './files.ts';
import { Latest } from '../latest.ts';
import { LooksView } from './looks-view.ts';
import { offerModels } from '../model-form.ts';
import { ModelChoice } from './model-choice.ts';
import { Pad } from './pad.ts';
import { Photographs } from './photographs.ts';
import { Reader } from './reader.ts';
import { percent, type Score, ScoresView } from './scores-view.ts';
import type { Sight } from './sight.ts';
import { TrainingView } from './training-view.ts';

/** Extent of a drawing, as a part of the pad, below which it is not made larger. */
const leastExtent = 0.15;

const verdict = byId('verdict', HTMLElement);
const status = byId('status', HTMLElement);
const problem = byId('problem', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const scores = new ScoresView(byId('scores', HTMLElement));
const looks = new LooksView();
const reader = new Reader();
const choice = new ModelChoice(again);
const reading = new Latest<Picture>(read);
const pad = new Pad(byId('pad', HTMLCanvasElement), (strokes) => {
  see(pictureOfStrokes(strokes, leastExtent));
});

/** What lies on the pad, as models of digits get it. */
let current: Picture | undefined;
let photographs: Photographs | undefined;

function see(picture: Picture): void {
  current = picture;
  reading.offer(picture);
}

/** Reads what is on the pad again. */
function again(): void {
  if (current !== undefined) reading.offer(current);
}

async function read(picture: Picture): Promise<void> {
  try {
    const sight = await look(picture);
    problem.hidden = true;
    status.textContent = '';
    if (sight.loadTime !== undefined) showFact('load', duration(sight.loadTime));
    showFact('time', duration(sight.time));
    showFact('model', describe(sight.model));
    showFact('adapter', describeAdapter(sight.model.gpu.info));
    // Cleared meanwhile.
    if (current === undefined) return;
    showScores(sight.scores);
    if (sight.seen === undefined) looks.clear();
    else looks.show(sight.seen, sight.attentions);
  } catch (error) {
    reader.close();
    status.textContent = '';
    fail(error);
  }
}

function look(picture: Picture): Promise<Sight> {
  const { chosen } = choice;
  if (chosen === 'photographs' && photographs !== undefined) {
    return photographs.read(pad.photograph());
  }
  if (reader.isClosed) status.textContent = 'Loading the model …';
  return reader.read(chosen === 'own' ? 'own' : 'ready', picture);
}

/** A model in a few words, from its configuration. */
function describe({ config }: Model): string {
  const value = (name: string): string => String(config[name]);
  const [layers, heads] = [value('num_hidden_layers'), value('num_attention_heads')];
  return `${layers} layers, ${heads} heads, width ${value('hidden_size')}`;
}

function showScores(all: readonly Score[]): void {
  scores.show(all);
  const [best] = all.toSorted((a, b) => b.score - a.score);
  if (best !== undefined) {
    verdict.replaceChildren(create('b', {}, best.label), ` · ${percent(best.score)}`);
  }
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

/** Shows what went wrong. The next picture opens all anew. */
function fail(error: unknown): void {
  // A lost device takes a visitor's model with it.
  if (codeOf(error) === 'DEVICE_LOST' && choice.chosen === 'photographs') dropPhotographs();
  showProblem(error, 'Draw again to open it anew.');
}

function clear(): void {
  current = undefined;
  pad.clear();
  reading.drop();
  looks.clear();
  scores.show(Array.from({ length: 10 }, (_, digit) => ({ label: String(digit), score: 0 })));
  verdict.textContent = 'Draw a digit.';
}

function lay(picture: Picture): void {
  pad.showDigit(picture);
  see(picture);
}

function layPhotograph(photograph: HTMLCanvasElement): void {
  pad.showPhotograph(photograph);
  see(pictureOfGray(grayOf(photograph)));
}

/** Loads a visitor's model in place of the one before. */
async function load(source: ModelSource): Promise<void> {
  problem.hidden = true;
  progress.hidden = false;
  progress.value = 0;
  status.textContent = 'Loading your model …';
  status.scrollIntoView({ block: 'center' });
  try {
    const loaded = await Photographs.load(source, (done, total) => {
      progress.value = done / total;
      status.textContent = `Loading your model: ${megabytes(done)} of ${megabytes(total)}`;
    });
    dropPhotographs();
    photographs = loaded;
    status.textContent = 'Choose a picture, or drop one on the page.';
    choice.offer('photographs', `Photographs: ${loaded.name}`);
    choice.choose('photographs');
  } catch (error) {
    status.textContent = '';
    fail(error);
  } finally {
    progress.hidden = true;
  }
}

function dropPhotographs(): void {
  photographs?.dispose();
  photographs = undefined;
  choice.withdraw('photographs');
}

void new TrainingView((files, step) => {
  reader.offer('own', files);
  const isFirst = choice.offer('own', `Yours, after step ${step}`);
  if (isFirst) choice.choose('own');
  else if (choice.chosen === 'own') again();
});
offerModels((source) => void load(source));
byId('clear', HTMLButtonElement).addEventListener('click', clear);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
acceptFiles({
  onPicture: layPhotograph,
  onModel: (files) => void load(files),
  onProblem: fail,
});
clear();
new Examples(lay).load().catch(fail);
