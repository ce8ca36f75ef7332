// node start.js [FOLDER]: writes the adapter that all begin with. This needs the model; the coordinator does not.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Lora } from 'webgpu-transformer/training';
import { openModel } from './translator.js';

const [folder = 'rounds'] = process.argv.slice(2);
if (existsSync(folder)) throw new Error(`${folder} is there already. Name another folder.`);
const model = await openModel();
const lora = new Lora(model, { rank: 4, alpha: 8, targets: ['*.q_proj', '*.v_proj', '*.fc*'] });
await lora.save(path.join(folder, '0'));
model.gpu.dispose();
