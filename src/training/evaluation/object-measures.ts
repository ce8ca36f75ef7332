// Measures of models that find objects.

import { TransformerError } from '../../runtime/errors.ts';
import {
  averagePrecision,
  type FoundObject,
  type GroundTruthObject,
} from '../../metrics/average-precision.ts';
import { objectLabels } from '../../model/heads/detection-loss.ts';
import { edgesOf, seenObjects } from '../../model/heads/seen-objects.ts';
import type { Model } from '../../model/model.ts';
import { labelsOf, type Measure } from './measure.ts';

/** Average precision of what each token sees, however unsure, as transformers' example of detectors measures it. */
export function measureObjects(model: Model): Measure {
  const found: FoundObject[][] = [];
  const right: GroundTruthObject[][] = [];
  return {
    async add({ labels, ...inputs }) {
      const given = labelsOf(labels === undefined ? {} : { labels });
      const { logits, predBoxes } = await model.forward(inputs);
      if (logits === undefined || predBoxes === undefined) {
        throw new TransformerError(
          'INPUT_INVALID',
          'The model tells no boxes of objects. Pass a detector.',
        );
      }
      const [batch = 0, tokens = 0, columns = 1] = logits.shape;
      const { rows, boxes = [] } = objectLabels(given, { batch, classes: columns - 1, tokens });
      for (const [image, classes] of rows.entries()) {
        const [first, end] = [image * tokens, (image + 1) * tokens];
        const own = logits.data.subarray(first * columns, end * columns);
        found.push(seenObjects(own, predBoxes.data.subarray(4 * first, 4 * end), columns));
        const places = boxes[image] ?? [];
        right.push(classes.map((label, at) => ({ label, box: edgesOf(places.slice(4 * at)) })));
      }
    },
    metrics() {
      const { map, map50, map75 } = averagePrecision(found, right);
      return { map, map50, map75 };
    },
  };
}
