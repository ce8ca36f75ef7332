import * as jax from '@jax-js/jax';
import { open } from '../jax.ts';
import { serve } from '../page.ts';

globalThis.peer = serve(() => open(jax, VERSIONS['@jax-js/jax']));
