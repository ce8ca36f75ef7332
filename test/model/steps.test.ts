// A whole model, dispatch by dispatch, next to the float64 references: names the kernel at fault
// when a model's results are wrong.
import { expect, test } from 'vitest';
import { Config } from '../../src/model/config.ts';
import { marian } from '../../src/model/families/pairs/marian.ts';
import { openSafetensors, type TensorEntry } from '../../src/source/safetensors.ts';
import { tokensOf } from '../../src/model/inputs/token-inputs.ts';
import { logits } from '../../src/model/layers/logits.ts';
import { embed, type EmbeddingWeights } from '../../src/model/layers/embeddings.ts';
import { decodeVectors } from '../../src/model/layers/decoder.ts';
import { encodeVectors } from '../../src/model/layers/transformer.ts';
import type { SourceStage } from '../../src/model/inputs/input-stage.ts';
import { WeightLoader } from '../../src/model/weights/weights.ts';
import { pointsOf, shownStates } from '../../src/model/layers/shown-states.ts';
import { Probe } from '../../src/runtime/points.ts';
import { Recording } from '../../src/runtime/record.ts';
import { Scope } from '../../src/runtime/scope.ts';
import { type Data, expectMatchesReference } from '../support/check.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { fixtureSource } from '../support/source.ts';
import { remember } from '../../src/model/layers/cross-attention.ts';

const [batch, S, T] = [3, 19, 7];

function embeddingsOf({ embeddings }: SourceStage): EmbeddingWeights {
  if (embeddings === undefined) throw new Error('a stage without embeddings');
  return embeddings;
}

for (const { name, options } of await testGpus()) {
  test(`every dispatch of a Marian forward pass, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const source = fixtureSource('marian');
      const fields = (await readFixtureJson('marian/config.json')) as Record<string, unknown>;
      const scope = new Scope(gpu);
      const entries = await openSafetensors(source);
      const find = (key: string): TensorEntry | undefined => entries.get(key);
      const loader = new WeightLoader(scope, { find });
      const {
        weights,
        shape,
        source: stage,
      } = marian(new Config(fields, 'config.json', { classPrefixes: ['Marian'] }), loader);
      await loader.load(source, {});
      const asked = { hiddenStates: true, attentions: true };
      const points = [
        shownStates(weights.encoder, asked, 'encoder.'),
        shownStates(weights.decoder, asked, 'decoder.'),
      ];
      const recording = new Recording(gpu, { points: new Probe(pointsOf(...points)) });
      const sources = tokensOf(recording, 'source', batch, S);
      const targets = tokensOf(recording, 'target', batch, T);
      const read = { ...sources, vectors: embed(sources, embeddingsOf(stage)) };
      const memory = encodeVectors(read, weights.encoder);
      const target = { ...targets, vectors: embed(targets, weights.target) };
      const known = remember(memory, sources.mask, weights.decoder);
      const hidden = decodeVectors(target, known, { decoder: weights.decoder });
      const scores = logits(hidden, weights);

      const random = new Random(1);
      const write: (readonly [typeof scores, Data])[] = [];
      for (const [{ ids, place, mask }, length] of [
        [sources, S],
        [targets, T],
      ] as const) {
        const places = Uint32Array.from({ length: batch * length }, (_, i) => i % length);
        const pairs = Uint32Array.from({ length: 2 * places.length }, (_, i) => places[i >> 1]!);
        // Row 1 ends three tokens early.
        const kept = places.map((at, i) =>
          i < length || i >= 2 * length || at < length - 3 ? 1 : 0,
        );
        write.push([ids, random.indices(batch * length, shape.targetVocabulary)]);
        write.push([place, pairs], [mask, kept]);
      }
      const { plan } = await expectMatchesReference(recording, { write, outputs: [scores] });
      expect(recording.dispatches.length).toBeGreaterThan(30);
      plan.dispose();
      scope.dispose();
    }));
}
