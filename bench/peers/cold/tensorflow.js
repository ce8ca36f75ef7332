import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';

await tf.setBackend('webgpu');
await tf.ready();
const ones = tf.ones([64, 64]);
const values = await tf.matMul(ones, ones).data();
globalThis.cold = { at: performance.now(), value: values[0] };
