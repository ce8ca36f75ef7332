// Measures of models that tell classes, numbers or flags: of whole texts, pictures and sounds, or of each token.

import { fieldOf } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import { classification } from '../../metrics/classification.ts';
import { correlation } from '../../metrics/correlation.ts';
import { entities, isEntityTag } from '../../metrics/entities.ts';
import type { Model } from '../../model/model.ts';
import {
  expectCount,
  greatest,
  labelsOf,
  logitsOf,
  type Measure,
  numbersIn,
  rowsOf,
} from './measure.ts';

/** Accuracy and macro F1 of a class a sequence. */
export function measureClasses(model: Model): Measure {
  const told: number[] = [];
  const right: number[] = [];
  return {
    async add(inputs) {
      const labels = numbersIn(labelsOf(inputs));
      const rows = [...rowsOf(await logitsOf(model, inputs))];
      expectCount(labels, rows.length);
      for (const [i, label] of labels.entries()) {
        if (label === ignoredLabel) continue;
        told.push(greatest(rows[i] ?? new Float32Array()));
        right.push(label);
      }
    },
    metrics() {
      const { accuracy, macroF1 } = classification(told, right);
      return { accuracy, macroF1 };
    },
  };
}

/** Correlations of numbers. */
export function measureNumbers(model: Model): Measure {
  const told: number[] = [];
  const right: number[] = [];
  return {
    async add(inputs) {
      const labels = numbersIn(labelsOf(inputs));
      const { data } = await logitsOf(model, inputs);
      expectCount(labels, data.length);
      told.push(...data);
      right.push(...labels);
    },
    metrics: () => ({ ...correlation(told, right) }),
  };
}

/** Of flags, set where their logit is above 0: the part of sequences whose flags are all right, and F1 of each flag. */
export function measureFlags(model: Model): Measure {
  let [sequences, whole] = [0, 0];
  const counts: { hits: number; told: number; right: number }[] = [];
  return {
    async add(inputs) {
      const labels = numbersIn(labelsOf(inputs));
      const logits = await logitsOf(model, inputs);
      expectCount(labels, logits.data.length);
      let place = 0;
      for (const row of rowsOf(logits)) {
        let isRight = true;
        for (const [flag, logit] of row.entries()) {
          const [told, right] = [logit > 0, labels[place] === 1];
          const count = (counts[flag] ??= { hits: 0, told: 0, right: 0 });
          count.hits += told && right ? 1 : 0;
          count.told += told ? 1 : 0;
          count.right += right ? 1 : 0;
          isRight &&= told === right;
          place += 1;
        }
        whole += isRight ? 1 : 0;
        sequences += 1;
      }
    },
    metrics() {
      const scores = counts.map(({ hits, told, right }) => (2 * hits) / Math.max(1, told + right));
      const macroF1 = scores.reduce((sum, score) => sum + score, 0) / scores.length;
      return { accuracy: whole / sequences, macroF1 };
    },
  };
}

/** F1 of entities where all labels are their tags, else macro F1 of the tokens; and accuracy. */
export function measureTags(model: Model): Measure {
  const told: string[][] = [];
  const right: string[][] = [];
  const names = model.config['id2label'];
  const nameOf = (label: number): string => {
    const name = fieldOf(names, String(label));
    return typeof name === 'string' ? name : `LABEL_${label}`;
  };
  return {
    async add(inputs) {
      const sequences = labelsOf(inputs).map((row) => numbersIn([row]));
      const rows = [...rowsOf(await logitsOf(model, inputs))];
      expectCount(sequences.flat(), rows.length);
      let place = 0;
      for (const labels of sequences) {
        const [own, wanted]: [string[], string[]] = [[], []];
        for (const label of labels) {
          const row = rows[place] ?? new Float32Array();
          place += 1;
          if (label === ignoredLabel) continue;
          own.push(nameOf(greatest(row)));
          wanted.push(nameOf(label));
        }
        told.push(own);
        right.push(wanted);
      }
    },
    metrics() {
      const [all, wanted] = [told.flat(), right.flat()];
      if ([...all, ...wanted].every(isEntityTag)) {
        const { f1, accuracy } = entities(told, right);
        return { entityF1: f1, accuracy };
      }
      const { accuracy, macroF1 } = classification(all, wanted);
      return { macroF1, accuracy };
    },
  };
}
