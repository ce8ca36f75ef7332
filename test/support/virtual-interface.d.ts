// The module that test/setup/interface.ts makes of the library's types.
declare module 'virtual:interface' {
  interface Callable {
    readonly name: string;
    readonly slots: readonly {
      readonly place: readonly (string | number)[];
      readonly fits: readonly string[];
      readonly classes: readonly string[];
    }[];
  }
  /** What the entries of browsers have, by name; see interface.ts. */
  export const callables: ReadonlyMap<string, Callable>;
}
