// What a fleet is, and the one that docs/about/jobs-model.md counts with. Times are in seconds.

export interface Fleet {
  readonly documents: number;
  /** Of a document, on average. */
  readonly tokens: number;
  /** Standard deviation of a document's tokens over their mean. */
  readonly tokenSpread: number;
  readonly workers: number;
  /** Tokens per second of a worker, on average. */
  readonly speed: number;
  /** Standard deviation of the workers' speeds over their mean. */
  readonly speedSpread: number;
  /** Documents of a shard. */
  readonly shard: number;
  /** What a shard takes besides its tokens: the queue, reading, writing. */
  readonly overhead: number;
  /** Of a worker, per hour: it dies, and what it did for its shard is lost. */
  readonly failures: number;
  /** From a worker's death until it takes a shard again. */
  readonly restart: number;
  /** Of a worker, per hour: it stands still, renews nothing, and goes on. */
  readonly stalls: number;
  /** How long it stands still, on average; drawn from the exponential distribution. */
  readonly stall: number;
  /** After so long without a sign of life the queue counts a shard as lost. */
  readonly lease: number;
  /** From one sign of life to the next; 0: there is none, and a lease counts from the shard's start. */
  readonly renewal: number;
  /** How often the queue looks for leases that have run out. */
  readonly supervision: number;
  /** So many times a shard is given out again, before it is a dead letter. */
  readonly retries: number;
  /** Before the first of these, doubled with each. */
  readonly delay: number;
}

export const fleet: Fleet = {
  documents: 10_000_000,
  tokens: 256,
  tokenSpread: 1,
  workers: 200,
  speed: 1000,
  speedSpread: 0.1,
  shard: 2000,
  overhead: 2,
  failures: 0.01,
  restart: 300,
  stalls: 1,
  stall: 20,
  lease: 120,
  renewal: 40,
  supervision: 5,
  retries: 3,
  delay: 10,
};
