// The modules that test/setup/documents.ts makes of README.md, and of the pages of docs/.
declare module 'virtual:readme' {
  interface Snippet {
    readonly document: string;
    /** Of its first line in the document. */
    readonly line: number;
    readonly stage: string;
    /** How many answers stand beside it. */
    readonly answers: number;
    /** Runs it, and checks its answers. */
    readonly run: () => Promise<unknown>;
  }
  export const snippets: readonly Snippet[];
}

declare module 'virtual:docs' {
  export { snippets } from 'virtual:readme';
}
