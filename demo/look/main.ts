// The page that looks inside: what a visitor asks for is the state, which a worker computes and a link holds.

import type { ModelSource } from 'webgpu-transformer';
import { whenDropped } from '../chosen-files.ts';
import { byId, duration, megabytes } from '../elements.ts';
import { offerModels } from '../model-form.ts';
import { Client } from './client.ts';
import { codeOf } from './code.ts';
import { Controls } from './controls.ts';
import { HeadsView } from './heads-view.ts';
import { LensView } from './lens-view.ts';
import { mostBytes } from './limits.ts';
import { NextView } from './next-view.ts';
import { PatchView } from './patch-view.ts';
import type { ModelFacts, Part, Report, Token } from './protocol.ts';
import {
  embedded,
  initial,
  linkOf,
  nameOf,
  own,
  saidTwice,
  sceneOf,
  type State,
  stateOf,
} from './state.ts';
import { showTokens } from './tokens-view.ts';
import { type LanguageName, preferredLanguage, speak } from './words/words.ts';

const status = byId('status', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const problem = byId('problem', HTMLElement);
const left = byId('left', HTMLElement);
const written = byId('written', HTMLElement);
const plain = byId('plain', HTMLElement);
const dialog = byId('code-dialog', HTMLDialogElement);

let state: State = stateOf(location.hash);
let words = speak(preferredLanguage());
/** Where the model comes from: files that were dropped stand in no link. */
let source: ModelSource | undefined;
let facts: ModelFacts | undefined;
let tokens: readonly Token[] = [];
let linking: ReturnType<typeof setTimeout> | undefined;

const client = new Client(hear);
const next = new NextView((token) => change({ text: state.text + token.text }));
const heads = new HeadsView(words, {
  onChoose: (head) => {
    if (nameOf(head) !== nameOf(state.head)) change({ head });
  },
  onSwitch: (head) => {
    const others = state.off.filter((one) => nameOf(one) !== nameOf(head));
    change({ off: others.length < state.off.length ? others : [...others, head] });
  },
});
const lens = new LensView(words);
const patches = new PatchView(words);
const controls = new Controls(change);

/** Makes something of the state other than it is, and shows what comes of it. */
function change(changes: Partial<State>): void {
  const before = state;
  state = { ...state, ...changes };
  keepLink();
  controls.show(state, words, facts);
  heads.setOff(state.off);
  next.draw(state, words);
  if (JSON.stringify(sceneOf(before)) !== JSON.stringify(sceneOf(state))) look();
}

/** The address of the page follows the state: browsers refuse to change it with every keystroke. */
function keepLink(): void {
  clearTimeout(linking);
  linking = setTimeout(() => history.replaceState(null, '', addressOfState()), 200);
}

function addressOfState(): string {
  return new URL(`#${linkOf(state)}`, location.href).href;
}

function look(): void {
  problem.hidden = true;
  status.textContent = words.working;
  // What failed to open is opened again.
  if (source === undefined) open(addressOf(state.model));
  else ask();
}

/** Has the worker show the state. */
function ask(): void {
  const { off, scale } = state;
  plain.hidden = off.length === 0 && scale === 0;
  client.show(sceneOf(state));
}

function addressOf(model: string): string {
  return model.startsWith('hf:') ? model : new URL('novels/', document.baseURI).href;
}

/** The next change opens a model anew: of files that were not one, the page's own. */
function forget(): void {
  source = undefined;
  if (state.model === own) state = { ...state, model: embedded };
}

/** Opens a model in place of the one before, and looks at the text with it. */
function open(wanted: ModelSource): void {
  source = wanted;
  facts = undefined;
  problem.hidden = true;
  progress.hidden = false;
  progress.value = 0;
  status.textContent = words.loading;
  const isOfPage = wanted === addressOf(embedded);
  byId('embedded', HTMLElement).hidden = isOfPage;
  byId('circuit', HTMLElement).hidden = !isOfPage;
  client.open(wanted);
  ask();
}

function hear(report: Report): void {
  switch (report.type) {
    case 'loading': {
      const { loaded, total } = report;
      progress.value = loaded / total;
      status.textContent = words.loadingBytes(megabytes(loaded), megabytes(total));
      return;
    }
    case 'opened':
      begin(report.facts);
      return;
    case 'shown':
      show(report);
      return;
    case 'done':
      status.textContent = '';
      return;
    case 'refused':
      refuse(report);
      return;
    case 'failed':
      fail(report);
      return;
  }
}

function begin(opened: ModelFacts): void {
  facts = opened;
  progress.hidden = true;
  status.textContent = words.working;
  lens.clear();
  showFact('load', duration(opened.loadTime));
  showFact('adapter', opened.adapter);
  // Heads and layers that this model does not have.
  const { layers, heads: count } = opened;
  change({
    off: state.off.filter(({ layer, head }) => layer < layers && head < count),
    layer: Math.min(state.layer, layers - 1),
    head: state.head.layer < layers && state.head.head < count ? state.head : initial.head,
  });
  showModel();
}

function showModel(): void {
  if (facts === undefined) return;
  const { family, layers, heads: count, width, bytes } = facts;
  const size = bytes === 0 ? '' : `, ${megabytes(bytes)}`;
  showFact('model', `${family}: ${words.facts(layers, count, width)}${size}`);
}

function show(part: Part): void {
  switch (part.part) {
    case 'tokens':
      tokens = part.tokens;
      showTokens(byId('tokens', HTMLElement), tokens);
      showTokens(byId('first-tokens', HTMLElement), tokens);
      left.hidden = part.left === 0;
      left.textContent = words.left(part.left, tokens.length);
      return;
    case 'next':
      showFact('time', duration(part.time));
      next.show(part, state, words);
      if (part.attentions !== undefined) heads.show(part.attentions, tokens, state.head);
      return;
    case 'lens':
      lens.show(part.cells, tokens);
      return;
    case 'text':
      // Where nothing is changed, it is the only text.
      if (part.isPlain) byId('plain-text', HTMLElement).textContent = part.text;
      if (!part.isPlain || plain.hidden) written.textContent = part.text;
      return;
    case 'otherTokens':
      patches.showOther(part.tokens);
      return;
    case 'patches':
      patches.show(part.patches);
      return;
  }
}

function refuse(report: Report & { readonly type: 'refused' }): void {
  const { refusal, bytes = 0, counts: [first, second] = [0, 0], isOfPair } = report;
  status.textContent = '';
  progress.hidden = true;
  const reason = ((): string => {
    if (refusal === 'tooLarge') return words.tooLarge(megabytes(bytes), megabytes(mostBytes));
    if (refusal === 'lengths') return words.lengths(first, second);
    return words.refusals[refusal];
  })();
  if (isOfPair) {
    patches.refuse(reason);
    return;
  }
  if (report.id === undefined) forget();
  showProblem('', reason);
}

function fail({ id, code, message }: Report & { readonly type: 'failed' }): void {
  status.textContent = '';
  progress.hidden = true;
  if (id === undefined || code === 'DEVICE_LOST') forget();
  const titles: Readonly<Record<string, string>> = {
    ADAPTER_NOT_FOUND: words.noGpu,
    DEVICE_LOST: words.lost,
  };
  showProblem(titles[code] ?? words.failed, code === 'DEVICE_LOST' ? words.reopen : message);
}

function showProblem(title: string, message: string): void {
  const [strong, paragraph] = [document.createElement('strong'), document.createElement('p')];
  strong.textContent = title;
  paragraph.textContent = message;
  problem.replaceChildren(...(title === '' ? [] : [strong]), paragraph);
  problem.hidden = false;
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

/** Takes a model of the visitor's: files, or an address, which a link can hold. */
function take(wanted: ModelSource): void {
  change({ model: typeof wanted === 'string' ? wanted : own });
  open(typeof wanted === 'string' ? addressOf(wanted) : wanted);
  status.scrollIntoView({ block: 'center' });
}

function speakAnew(name: LanguageName): void {
  words = speak(name);
  for (const view of [heads, lens, patches]) view.speak(words);
  controls.show(state, words, facts);
  next.draw(state, words);
  showModel();
}

function restore(wanted: State): void {
  const before = state;
  state = wanted;
  controls.fill(state);
  change({});
  if (before.model === state.model) look();
  else open(addressOf(state.model));
}

/** Copies a text, and says so in a place. */
async function copy(text: string, place: HTMLElement, message: string): Promise<void> {
  const isDone = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
  place.textContent = isDone ? message : words.failed;
}

controls.onLanguage(speakAnew);
controls.fill(state);
controls.show(state, words, facts);
offerModels(take);
whenDropped(take, (error) => showProblem(words.failed, String(error)));
addEventListener('hashchange', () => restore(stateOf(location.hash)));
byId('embedded', HTMLButtonElement).addEventListener('click', () => take(embedded));
byId('reset', HTMLButtonElement).addEventListener('click', () =>
  restore({ ...initial, model: state.model }),
);
byId('say-twice', HTMLButtonElement).addEventListener('click', () => restore(saidTwice));
byId('copy-link', HTMLButtonElement).addEventListener('click', () => {
  void copy(addressOfState(), status, state.model === own ? words.notInLink : words.copied);
});
byId('show-code', HTMLButtonElement).addEventListener('click', () => {
  byId('code', HTMLElement).textContent = codeOf(state);
  byId('copy-code', HTMLElement).textContent = words.copy;
  dialog.showModal();
});
byId('copy-code', HTMLButtonElement).addEventListener('click', () => {
  void copy(codeOf(state), byId('copy-code', HTMLElement), words.copied);
});
byId('close-code', HTMLButtonElement).addEventListener('click', () => dialog.close());
open(addressOf(state.model));
