// Why the page shows nothing, where a sentence of its own says it better than an error.

import type { Refusal, RefusalFacts } from './protocol.ts';

export class Refused extends Error {
  readonly refusal: Refusal;
  readonly facts: RefusalFacts;

  constructor(refusal: Refusal, facts: RefusalFacts = {}) {
    super(refusal);
    this.refusal = refusal;
    this.facts = facts;
  }
}
