// The worker that trains, so that the page stays free.

import { RunServer } from '../train/serve.ts';
import { openRun } from './run.ts';

new RunServer(openRun).listen();
