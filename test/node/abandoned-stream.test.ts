// A stream that its consumer drops gives its step back, once it is collected.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model } from 'webgpu-transformer';
import { fixtureSource } from '../support/source.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const inputs = { inputIds: [[5, 9, 23, 4]] };
const options = { maxNewTokens: 12, minNewTokens: 12 };

async function begin(model: Model): Promise<void> {
  const first = await model.stream(inputs, options).next();
  expect(first.done).toBe(false);
}

test('streams that are dropped hold nothing for long', async () => {
  using gpu = await Gpu.request();
  using model = await loadModel(fixtureSource('gpt2'), { gpu });
  await begin(model);
  const { buffers } = gpu.memory;
  for (let i = 0; i < 8; i++) {
    for (let turn = 0; turn < 5; turn++) {
      collect();
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    await begin(model);
  }
  // One step more may be there that was not collected in time.
  expect(gpu.memory.buffers).toBeLessThan(2 * buffers);
});
