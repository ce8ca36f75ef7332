// How shards are given out unless told otherwise. docs/about/jobs-model.md says what that follows from.

/** How shards of a queue are given out. */
export interface QueueSettings {
  /** Seconds without a sign of life after which a shard goes to another worker. */
  readonly lease: number;
  /** How often a shard is tried again. */
  readonly retries: number;
  /** Seconds before the first of these, doubled with each. */
  readonly delay: number;
}

export const queueDefaults: QueueSettings = { lease: 120, retries: 3, delay: 10 };

/** Renewals of a lease in the time that it lasts: two may fail. */
export const renewals = 3;

/** Seconds between two looks at leases that ran out. */
export const supervision = 5;
