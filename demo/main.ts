// The page: a phrase and a language go in, a translation and its attention come out. At most one
// translation runs; a new one stops the one before.

import { describeAdapter } from './adapter-name.ts';
import { AttentionView } from './attention-view.ts';
import { byId, create, duration, megabytes } from './elements.ts';
import { examplePhrases, languageName, locales, plainSpaces } from './examples.ts';
import { codeOf, showProblem } from './problem.ts';
import { type Generation, Translator } from './translator.ts';

const form = byId('form', HTMLFormElement);
const phrase = byId('phrase', HTMLInputElement);
const language = byId('language', HTMLSelectElement);
const stop = byId('stop', HTMLButtonElement);
const translate = byId('translate', HTMLButtonElement);
const output = byId('translation', HTMLElement);
const status = byId('status', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const problem = byId('problem', HTMLElement);

const view = new AttentionView();
let loading: Promise<Translator> | undefined;
let current: AbortController | undefined;
/** Ends when no translation is under way. */
let idle: Promise<void> = Promise.resolve();

function start(): void {
  if (!form.reportValidity()) return;
  current?.abort();
  const controller = new AbortController();
  current = controller;
  setRunning(true);
  problem.hidden = true;
  status.textContent = 'Translating …';
  idle = idle.then(() => run(controller));
}

async function run(controller: AbortController): Promise<void> {
  if (current !== controller) return;
  const text = plainSpaces(phrase.value);
  const to = language.value;
  try {
    loading ??= load();
    const translator = await loading;
    const doubt = unknownDoubt(translator.unknownParts(text));
    showDoubt(doubt);
    output.lang = to;
    output.textContent = '';
    view.setStale(true);
    const generation = await translator.generate(text, to, controller.signal, (sofar) => {
      output.textContent = sofar;
    });
    if (current !== controller) return;
    showTimings(generation);
    showDoubt(doubt ?? scoreDoubt(generation));
    if (generation.targetIds.length > 0) await showAttention(translator, generation);
    if (current === controller) status.textContent = generation.isStopped ? 'Stopped.' : 'Done.';
  } catch (error) {
    await fail(error);
  } finally {
    if (current === controller) {
      current = undefined;
      setRunning(false);
    }
  }
}

async function load(): Promise<Translator> {
  status.textContent = 'Loading the model …';
  progress.hidden = false;
  const translator = await Translator.load((loaded, total) => {
    progress.value = loaded / total;
    status.textContent = `Loading the model: ${megabytes(loaded)} of ${megabytes(total)}`;
  });
  progress.hidden = true;
  status.textContent = 'Translating …';
  showLanguages(translator.languages);
  showFact('adapter', describeAdapter(translator.gpu.info));
  showFact('model', `${translator.describe()}, ${megabytes(translator.bytes)}`);
  showFact('load', duration(translator.loadTime));
  return translator;
}

async function showAttention(translator: Translator, generation: Generation): Promise<void> {
  const begin = performance.now();
  const attention = await translator.attention(generation);
  showFact('attention-time', duration(performance.now() - begin));
  view.show(attention);
}

function showTimings({ targetIds, firstToken, rest }: Generation): void {
  const count = targetIds.length;
  showFact('tokens', String(count));
  if (count === 0) return;
  showFact('first', duration(firstToken));
  showFact('speed', count < 2 ? '–' : `${Math.round((1000 * (count - 1)) / rest)} tokens/s`);
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

/** Shows what went wrong. A lost device takes its model with it: the next run loads both anew. */
async function fail(error: unknown): Promise<void> {
  const translator = await loading?.catch(() => undefined);
  if (translator === undefined || codeOf(error) === 'DEVICE_LOST') {
    loading = undefined;
    translator?.dispose();
  }
  progress.hidden = true;
  status.textContent = '';
  showProblem(error, 'Press Translate to open it anew and load the model again.');
}

/** Shows why a translation is not to be trusted; nothing where there is no reason. */
function showDoubt(reason: string | undefined): void {
  const note = byId('doubt', HTMLElement);
  note.hidden = reason === undefined;
  if (reason === undefined) return;
  note.textContent = `${reason}: this is outside of its field. Do not trust the translation; try one of the examples.`;
}

function unknownDoubt(parts: readonly string[]): string | undefined {
  if (parts.length === 0) return undefined;
  const list = parts.map((one) => `«${one}»`).join(' ');
  return `The model never learned ${list} and reads <unk> there`;
}

function scoreDoubt({ score = 1 }: Generation): string | undefined {
  if (score >= 0.5) return undefined;
  if (score < 0.005) return 'The model takes this for none of its phrases';
  return `The model is sure of its translation to ${Math.round(100 * score)} % only`;
}

function setRunning(isRunning: boolean): void {
  output.ariaBusy = String(isRunning);
  if (!isRunning && document.activeElement === stop) translate.focus();
  stop.disabled = !isRunning;
}

function showLanguages(codes: readonly string[]): void {
  const chosen = language.value;
  const options = codes.map((value) => {
    const names = new Set([languageName(value, 'en'), languageName(value, value)]);
    return create('option', { value }, [...names].join(' · '));
  });
  language.replaceChildren(...options);
  if (codes.includes(chosen)) language.value = chosen;
}

/** Each language's phrases as buttons that put them in and translate them. */
function showExamples(): void {
  const now = new Date();
  const groups = locales.map((locale) => {
    const buttons = examplePhrases(locale, now).map((text) => {
      const button = create('button', { type: 'button', lang: locale }, text);
      button.addEventListener('click', () => {
        phrase.value = text;
        if (language.value === locale) language.value = locale === 'en' ? 'fr' : 'en';
        start();
      });
      return create('li', {}, button);
    });
    const name = create('h4', { lang: locale }, languageName(locale, locale));
    return create('div', {}, name, create('ul', {}, ...buttons));
  });
  byId('examples', HTMLElement).replaceChildren(...groups);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
language.addEventListener('change', start);
stop.addEventListener('click', () => current?.abort());

showExamples();
showLanguages(locales);
// Begin with today's date, from English into the visitor's language if the model has it.
const [today = ''] = examplePhrases('en', new Date());
phrase.value = today;
const spoken = navigator.languages.map((tag) => tag.split('-')[0] ?? '');
language.value =
  spoken.find((code) => code !== 'en' && locales.some((one) => one === code)) ?? 'fr';
start();
