// The module that test/setup/readme.ts makes of README.md.
declare module 'virtual:readme' {
  interface Snippet {
    /** Of its first line in README.md. */
    readonly line: number;
    readonly stage: string;
    /** How many answers stand beside it. */
    readonly answers: number;
    /** Runs it, and checks its answers. */
    readonly run: () => Promise<unknown>;
  }
  export const snippets: readonly Snippet[];
}
