import { Gpu } from '../index.node.ts';
import { adapterLine } from './adapter-line.ts';
export async function doctor(): Promise<void> {
  using gpu = await Gpu.request();
  console.log(adapterLine(gpu));
}
