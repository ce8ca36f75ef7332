// Registers what makes models trainable. It is imported for this effect by all that asks for one.

import { registerTrainable } from '../model/trainable-model.ts';
import { TrainableDual } from './trainable-dual.ts';
import { TrainablePair } from './trainable-pair.ts';
import { TrainableSequence } from './trainable-sequence.ts';

registerTrainable({
  sequence: (...from) => new TrainableSequence(...from),
  dual: (...from) => new TrainableDual(...from),
  encoderDecoder: (...from) => new TrainablePair(...from),
});
