// Fails unless Dawn finds lavapipe here with as many lanes as `LAVAPIPE_LANES` says.
import { create } from 'webgpu';

const gpu = create(['backend=vulkan', 'adapter=llvmpipe']);
const info = (await gpu.requestAdapter())?.info;
const lanes = Number(process.env.LAVAPIPE_LANES);
if (info?.subgroupMinSize !== lanes || info.subgroupMaxSize !== lanes) {
  const found = `${info?.description}, subgroups ${info?.subgroupMinSize} to ${info?.subgroupMaxSize}`;
  console.error(`Wanted lavapipe with subgroups of ${lanes}; found ${info ? found : 'none'}.`);
  process.exit(1);
}
console.log(`${info.description}: subgroups of ${lanes}`);
