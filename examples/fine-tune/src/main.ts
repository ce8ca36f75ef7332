import type { Pair } from './translator';

const element = (selector: string) => document.querySelector<HTMLElement>(selector)!;
const buttons = document.querySelectorAll<HTMLButtonElement>('button:not(#stop)');
const stop = element('#stop');
const loss = element('#loss');
const problem = element('[role=alert]');
let stopping = new AbortController();
stop.addEventListener('click', () => stopping.abort());

try {
  const { forget, train, translate } = await import('./translator');

  element('#training').addEventListener('submit', (event) => {
    event.preventDefault();
    stopping = new AbortController();
    void run(async () => {
      stop.hidden = false;
      await train(pairs(), stopping.signal, (step, value) => {
        loss.textContent = `Step ${step}: loss ${value.toFixed(3)}`;
      });
      loss.append(', saved');
    });
  });
  element('#trying').addEventListener('submit', (event) => {
    event.preventDefault();
    void run(async () => {
      const phrase = document.querySelector('input')!.value;
      const [translation] = await translate(phrase, { to: 'de' });
      element('#translation').textContent = translation?.translationText ?? '';
    });
  });
  element('#forget').addEventListener('click', () => {
    void run(() => forget().then(() => location.reload()));
  });
  setBusy(false);
} catch (error) {
  tell(error);
}
loss.textContent = '';

/** Does one thing at a time, and says what went wrong with it. */
async function run(act: () => Promise<void>): Promise<void> {
  setBusy(true);
  problem.textContent = '';
  await act().catch(tell);
  setBusy(false);
  stop.hidden = true;
}

function setBusy(isBusy: boolean): void {
  buttons.forEach((button) => (button.disabled = isBusy));
}

function tell(error: unknown): void {
  problem.textContent = error instanceof Error ? error.message : String(error);
}

/** The pairs as they were typed. */
function pairs(): Pair[] {
  const lines = document.querySelector('textarea')!.value.trim().split('\n');
  return lines.map((line) => {
    const [source = '', target = ''] = line.split('=').map((part) => part.trim());
    if (source === '' || target === '') {
      throw new Error(`Write English = German on each line; got “${line}”.`);
    }
    return [source, target];
  });
}
