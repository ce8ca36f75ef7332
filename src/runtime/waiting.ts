// What a platform does while answers of the GPU are outstanding.

let rest: ((answer: Promise<unknown>) => void) | undefined;

/** Registers what a platform does until an answer comes. */
export function registerRest(platform: (answer: Promise<unknown>) => void): void {
  rest = platform;
}

/** An answer of the GPU to wait for: the same promise, made known to the platform. */
export function awaited<T>(answer: Promise<T>): Promise<T> {
  rest?.(answer);
  return answer;
}
