// node evaluate.js FOLDER/VERSION PAIRS.tsv: the loss of a version on pairs that nobody trained on.
import { loadLora, Trainer } from 'webgpu-transformer/training';
import { openModel, readBatches } from './translator.js';

const [version, file] = process.argv.slice(2);
const model = await openModel();
const lora = await loadLora(model, version);
const trainer = new Trainer(model, { adapter: lora, learningRate: 1e-3 });
const batch = (await readBatches(file, 20))(0);
const { loss } = await trainer.evaluate([batch]);
console.log(loss.toFixed(3));
model.gpu.dispose();
