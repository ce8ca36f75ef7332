// Repositories that people know, and what their config.json says of their sizes. docs/models.md is made of it
// (test/node/models-table.test.ts).

import { encoders } from './encoders.ts';
import type { KnownModel } from './fields.ts';
import { images } from './images.ts';
import { sounds } from './sounds.ts';
import { writers } from './writers.ts';

export type { KnownModel } from './fields.ts';

/** By the task that they are mostly taken for. */
export const knownModels: Readonly<Record<string, readonly KnownModel[]>> = {
  ...encoders,
  ...writers,
  ...images,
  ...sounds,
};
