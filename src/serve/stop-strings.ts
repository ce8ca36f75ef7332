// Texts that end an answer and do not stand in it.

/** Lets a text that comes in pieces through, up to the first of the strings. */
export class StopStrings {
  readonly #stops: readonly string[];
  /** What may be the beginning of one of them. */
  #held = '';
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether one of them came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** What may be shown, with this piece behind what came before. */
  push(piece: string): string {
    if (this.#stopped) return '';
    const text = this.#held + piece;
    const places = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (places.length > 0) {
      this.#stopped = true;
      this.#held = '';
      return text.slice(0, Math.min(...places));
    }
    const shown = text.length - this.#begun(text);
    this.#held = text.slice(shown);
    return text.slice(0, shown);
  }

  /** What was held back, where nothing more comes. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Characters at the end of a text that begin one of them. */
  #begun(text: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
