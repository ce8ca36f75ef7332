// Registers what makes the heads of models. It is imported for this effect by all that asks for heads.

import { registerHeads } from '../model/training-head.ts';
import { EncoderDecoderHead } from './encoder-decoder-head.ts';
import { SequenceHead } from './sequence-head.ts';

registerHeads({
  sequence: (parts, definition) => new SequenceHead(parts, definition),
  encoderDecoder: (parts, model) => new EncoderDecoderHead(parts, model),
});
