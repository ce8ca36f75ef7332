// Lists as callers give them.

/** Whether a value is an array whose items are all something; a hole in it is an item that is missing. */
export function isListOf<T>(given: unknown, isOne: (item: unknown) => item is T): given is T[];
export function isListOf(given: unknown, isOne: (item: unknown) => boolean): given is unknown[];
export function isListOf(given: unknown, isOne: (item: unknown) => boolean): boolean {
  // `every` passes over holes.
  return Array.isArray(given) && Array.from<unknown>(given).every((item) => isOne(item));
}
