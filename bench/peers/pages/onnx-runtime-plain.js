import * as ort from 'onnxruntime-web/webgpu';
import { open } from '../onnx-runtime.ts';
import { serve } from '../page.ts';

globalThis.peer = serve(() => open(ort, 'plain'));
