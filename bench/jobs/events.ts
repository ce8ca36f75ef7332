// What is to happen, in the order of time: a binary heap.

interface Event {
  readonly time: number;
  readonly run: () => void;
}

export class Events {
  now = 0;
  readonly #heap: Event[] = [];

  add(time: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.time <= time) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = { time, run };
  }

  /** Lets the next one happen. */
  run(): void {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) throw new Error('Nothing is left to happen.');
    if (heap.length > 0) this.#sink(last);
    this.now = first.time;
    first.run();
  }

  /** Puts an event in the place of the first. */
  #sink(event: Event): void {
    const heap = this.#heap;
    const timeOf = (place: number): number => heap[place]?.time ?? Infinity;
    let at = 0;
    for (;;) {
      const child = timeOf(2 * at + 2) < timeOf(2 * at + 1) ? 2 * at + 2 : 2 * at + 1;
      const below = heap[child];
      if (below === undefined || below.time >= event.time) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = event;
  }
}
