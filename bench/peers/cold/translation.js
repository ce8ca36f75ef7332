import { pipeline } from 'webgpu-transformer';

const source = new URL('/models/phrases/', location.href);
const translate = await pipeline('translation', source, { cache: false });
const [{ translationText }] = await translate('in 3 days', { to: 'de' });
globalThis.cold = { at: performance.now(), value: translationText === 'in 3 Tagen' ? 64 : 0 };
