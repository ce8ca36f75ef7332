import { open } from '../ours.ts';
import { serve } from '../page.ts';

globalThis.peer = serve(() => open(VERSIONS.ours));
