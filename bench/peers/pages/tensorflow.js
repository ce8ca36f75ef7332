import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { open } from '../tensorflow.ts';
import { serve } from '../page.ts';

globalThis.peer = serve(() => open(tf));
