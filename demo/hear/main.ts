// The page that hears: a visitor speaks, or chooses a sound; words appear as they are heard, and each shows where in the
// sound the model listened as it wrote it.

import { type ModelSource, readAudio } from 'webgpu-transformer';
import { describeAdapter } from '../adapter-name.ts';
import { whenChosen, whenDropped } from '../chosen-files.ts';
import { byId, create, duration, megabytes } from '../elements.ts';
import { Latest } from '../latest.ts';
import { offerModels } from '../model-form.ts';
import { codeOf, showProblem } from '../problem.ts';
import { chosen, offerLanguages } from './choices.ts';
import { Hearing, type Piece } from './hearing.ts';
import { speech } from './microphone.ts';
import { SoundPicture } from './picture.ts';
import { readout } from './readout.ts';
import { type Choices, Recognizer } from './recognizer.ts';
import { type Entry, Transcript } from './transcript.ts';

type Sound = (model: Recognizer, signal: AbortSignal) => AsyncIterable<Piece>;

const speak = byId('speak', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const status = byId('status', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const problem = byId('problem', HTMLElement);
const log = byId('log', HTMLElement);
const address = byId('address', HTMLInputElement);

const transcript = new Transcript(byId('words', HTMLElement), choose);
const picture = new SoundPicture(byId('picture', HTMLCanvasElement), pick);
const looking = new Latest<Entry>(look);

/** Where the model comes from that was loaded last. */
let origin: ModelSource | undefined;
let loading: Promise<Recognizer> | undefined;
let current: Hearing | undefined;
let choices: Choices = { language: undefined, task: 'transcribe' };
/** The passage whose word is shown. */
let entry: Entry | undefined;

/** Loads a model in place of the one before. */
async function load(source: ModelSource): Promise<void> {
  cancel();
  await loading?.then((model) => model.dispose()).catch(() => undefined);
  clear();
  loading = open(source);
  try {
    await loading;
    status.textContent = 'Speak, or choose a sound.';
  } catch (error) {
    fail(error);
  }
}

async function open(source: ModelSource): Promise<Recognizer> {
  problem.hidden = true;
  progress.hidden = false;
  progress.value = 0;
  status.textContent = 'Loading the model …';
  try {
    const model = await Recognizer.load(source, (done, total) => {
      progress.value = done / total;
      status.textContent = `Loading the model: ${megabytes(done)} of ${megabytes(total)}`;
    });
    offerLanguages(model.languages);
    showFact('load', duration(model.loadTime));
    showFact('model', `${model.describe()}, ${megabytes(model.bytes)}`);
    showFact('adapter', describeAdapter(model.gpu.info));
    origin = source;
    return model;
  } catch (error) {
    loading = undefined;
    throw error;
  } finally {
    progress.hidden = true;
  }
}

/** Hears a sound, with the model that is named where none was loaded. */
async function hear(sound: Sound, heading: string): Promise<void> {
  cancel();
  clear();
  problem.hidden = true;
  const hearing = new Hearing();
  current = hearing;
  setRunning(true);
  let last: Entry | undefined;
  try {
    loading ??= open(origin ?? address.value.trim());
    const model = await loading;
    if (hearing.sound.aborted) {
      if (current === hearing) status.textContent = 'Stopped.';
      return;
    }
    choices = chosen();
    status.textContent = heading;
    await hearing.run(model, sound(model, hearing.sound), choices, {
      onWave: (wave) => {
        if (current === hearing && entry === undefined) picture.showWave(wave);
      },
      onText: (certain, tentative) => transcript.showText(certain, tentative),
      onPassage: (passage) => {
        last = transcript.add(passage);
        log.append(create('p', {}, passage.text.trim()));
        showFact('language', passage.language ?? '–');
      },
      onTimes: ({ time, seconds }) => {
        showFact('time', `${duration(time)} for ${seconds.toFixed(1)} s`);
        showFact('factor', (time / (1000 * seconds)).toFixed(2));
      },
    });
    if (current !== hearing) return;
    status.textContent = last === undefined ? 'No words were heard.' : 'Done.';
    if (last !== undefined && entry === undefined) looking.offer(last);
  } catch (error) {
    if (current === hearing) fail(error);
  } finally {
    if (current === hearing) {
      current = undefined;
      setRunning(false);
    }
  }
}

/** Shows where the model listened as it wrote a word, once it has looked. */
function choose(wanted: Entry, word: number): void {
  entry = wanted;
  if (wanted.look === undefined) {
    looking.offer(wanted);
    return;
  }
  picture.showLook(wanted.look, word);
  byId('readout', HTMLElement).replaceChildren(...readout(wanted.look, word));
}

async function look(wanted: Entry): Promise<void> {
  const message = byId('readout', HTMLElement);
  try {
    const model = await loading;
    if (model === undefined) return;
    message.textContent = 'Listening where the words are …';
    const seen = await model.look(wanted.passage, choices);
    transcript.show(wanted, seen);
  } catch (error) {
    if (!transcript.has(wanted)) return;
    message.textContent = '';
    fail(error);
  }
}

/** Chooses the word that is spoken at a time of the passage. */
function pick(seconds: number): void {
  const words = entry?.look?.words ?? [];
  const at = words.findLastIndex(({ timestamp: [start] }) => (start ?? Infinity) <= seconds);
  if (entry !== undefined && words.length > 0) transcript.choose(entry, Math.max(at, 0));
}

function cancel(): void {
  current?.cancel();
  current = undefined;
  setRunning(false);
}

function clear(): void {
  entry = undefined;
  looking.drop();
  transcript.clear();
  picture.clear();
  log.replaceChildren();
  byId('readout', HTMLElement).textContent = '';
}

/** Shows what went wrong. A lost device takes its model with it. */
function fail(error: unknown): void {
  const code = codeOf(error);
  status.textContent = code === 'ABORTED' ? 'Stopped.' : '';
  if (code === 'ABORTED') return;
  if (code === 'DEVICE_LOST') {
    void loading?.then((model) => model.dispose()).catch(() => undefined);
    loading = undefined;
  }
  showProblem(error, 'Speak again to open it anew.');
}

function setRunning(isRunning: boolean): void {
  if (!isRunning && document.activeElement === stop) speak.focus();
  stop.disabled = !isRunning;
}

function showFact(name: string, value: string): void {
  byId(`fact-${name}`, HTMLElement).textContent = value;
}

function hearFile(file: File): void {
  const sound: Sound = async function* (model, signal) {
    const { samplingRate, gpu } = model;
    const data = await readAudio(file, { samplingRate, gpu, signal });
    yield { data, samplingRate, isLast: true };
  };
  void hear(sound, `Hearing ${file.name} …`);
}

function take(files: readonly File[]): void {
  const [first] = files;
  if (files.some(({ name }) => name === 'config.json')) void load([...files]);
  else if (first !== undefined) hearFile(first);
}

offerModels((source) => void load(source));
offerLanguages([]);
speak.addEventListener('click', () => {
  void hear(
    (model, signal) => speech(model.samplingRate, signal),
    'Speak. Stop when you are done.',
  );
});
stop.addEventListener('click', () => current?.stop());
whenChosen(byId('choose', HTMLButtonElement), byId('file', HTMLInputElement), take);
whenDropped(take, fail);
