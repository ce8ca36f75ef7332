// As long as an answer of the GPU is outstanding, Dawn asks the driver for it in each turn of the event loop: a whole
// core, which drivers that compute on the CPU lack. A rest in each turn gives it back.

/** The part of the time since the newest question that a rest takes: answers come later by no more. */
const part = 1 / 16;
/** Milliseconds of a rest, in which the event loop stands still, at most; and what is not worth one. */
const longest = 1;
const shortest = 0.05;

const outstanding = new Set<Promise<unknown>>();
const never = new Int32Array(new SharedArrayBuffer(4));
/** When the newest of them began. */
let since = 0;
let isTurning = false;

/** Rests between the turns of the event loop until an answer has come. */
export function restUntil(answer: Promise<unknown>): void {
  outstanding.add(answer);
  const end = (): void => void outstanding.delete(answer);
  answer.then(end, end);
  since = performance.now();
  if (isTurning) return;
  isTurning = true;
  setImmediate(turn).unref();
}

function turn(): void {
  isTurning = outstanding.size > 0;
  if (!isTurning) return;
  const length = Math.min(part * (performance.now() - since), longest);
  if (length >= shortest) Atomics.wait(never, 0, 0, length);
  setImmediate(turn).unref();
}
