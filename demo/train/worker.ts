// The worker that trains, so that the page stays free.

import { openRun } from './run.ts';
import { RunServer } from './serve.ts';

new RunServer(openRun).listen();
