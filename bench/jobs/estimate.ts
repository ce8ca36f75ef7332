// The model on paper, whose formulas docs/about/jobs-model.md has.

import type { Fleet } from './fleet.ts';

export interface Estimate {
  /** Seconds without overhead, failures, stalls and an end: all workers compute all the time. */
  readonly ideal: number;
  /** Seconds that a worker has a shard. */
  readonly shardSeconds: number;
  /** Parts of the ideal time that are added to it. */
  readonly overhead: number;
  readonly failures: number;
  readonly stalls: number;
  /** Seconds at the end, when some workers have nothing left. */
  readonly tail: number;
  /** Seconds from the first shard to the last. */
  readonly seconds: number;
  /** Seconds of a shard at which overhead, failures and tail together cost least. */
  readonly bestShardSeconds: number;
  /** Shards of workers that die, over all: each is computed by half in vain. */
  readonly lostAttempts: number;
  /** The probability that a worker dies while the last shards are out. */
  readonly deathAtEnd: number;
}

/** Of some hundred speeds of a normal distribution the least lies about so many standard deviations below the mean. */
const deviationsOfSlowest = 2.5;

export function estimate(fleet: Fleet): Estimate {
  const ideal = (fleet.documents * fleet.tokens) / (fleet.workers * fleet.speed);
  const computing = (fleet.shard * fleet.tokens) / fleet.speed;
  const shardSeconds = fleet.overhead + computing;
  const deathsPerSecond = fleet.failures / 3600;
  const overhead = fleet.overhead / computing;
  const failures = deathsPerSecond * (shardSeconds / 2 + fleet.restart);
  const stalls = (fleet.stalls / 3600) * fleet.stall;
  // The slowest worker takes its last shard just before there are none; by then others are half through theirs.
  const slowest = 1 - deviationsOfSlowest * fleet.speedSpread;
  const tailShards = 1 / slowest - 1 / 2;
  const tail = tailShards * shardSeconds;
  return {
    ideal,
    shardSeconds,
    overhead,
    failures,
    stalls,
    tail,
    seconds: ideal * (1 + overhead + failures + stalls) + tail,
    bestShardSeconds: Math.sqrt(
      (2 * fleet.overhead) / (deathsPerSecond + (2 * tailShards) / ideal),
    ),
    lostAttempts: deathsPerSecond * shardSeconds,
    deathAtEnd: 1 - Math.exp(-fleet.workers * deathsPerSecond * shardSeconds),
  };
}
