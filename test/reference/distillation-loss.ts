// The loss of a student that learns from a teacher and from labels, and its gradient.

import {
  type Conditions,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** The label -100 as an unsigned word. */
const ignored = 2 ** 32 - 100;

/** Logarithms of softmax(x), and what their rounding grows with: the distance from the largest x. */
function logSoftmax(x: readonly number[]): { logs: number[]; distances: number[] } {
  const largest = Math.max(...x);
  const logSum = Math.log(x.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  return {
    logs: x.map((value) => value - largest - logSum),
    distances: x.map((value) => largest - value),
  };
}

interface Row {
  readonly counts: boolean;
  readonly plain: ReturnType<typeof logSoftmax>;
  readonly student: ReturnType<typeof logSoftmax>;
  readonly teacher: ReturnType<typeof logSoftmax>;
  readonly target: readonly number[];
}

function rowsOf(inputs: Inputs, params: Params): Row[] {
  const [x, teacher, labels] = [
    floats(inputs, 'x'),
    floats(inputs, 'teacher'),
    integers(inputs, 'label'),
  ];
  const columns = scalar(params, 'columns');
  const temperature = scalar(params, 'temperature');
  const smoothing = scalar(params, 'smoothing');
  return Array.from({ length: scalar(params, 'rows') }, (_, row) => {
    const own = [...x.subarray(row * columns, (row + 1) * columns)];
    const taught = [...teacher.subarray(row * columns, (row + 1) * columns)];
    const label = labels[row]!;
    const counts = label !== ignored;
    if (counts && label >= columns) throw new RangeError(`row ${row} has no column ${label}`);
    return {
      counts,
      plain: logSoftmax(own),
      student: logSoftmax(own.map((value) => value / temperature)),
      teacher: logSoftmax(taught.map((value) => value / temperature)),
      target: own.map((__, j) => (j === label ? 1 - smoothing : 0) + smoothing / columns),
    };
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** How far softmax's rounding goes, element by element: see the condition of `softmax`. */
function roundingOf({ logs, distances }: ReturnType<typeof logSoftmax>): number[] {
  const mean = total(logs.map((log, j) => Math.exp(log) * distances[j]!));
  return logs.map((log, j) => Math.exp(log) * (1 + distances[j]! + mean));
}

/** w T² Σ p (log p - log q) - (1 - w) Σ target · log softmax(x), 0 for ignored rows. */
export const distillationLoss: Reference = {
  twin: (inputs, params) => {
    const [weight, temperature] = [scalar(params, 'weight'), scalar(params, 'temperature')];
    const loss = rowsOf(inputs, params).map(({ counts, plain, student, teacher, target }) => {
      if (!counts) return 0;
      const divergence = total(
        teacher.logs.map((log, j) => Math.exp(log) * (log - student.logs[j]!)),
      );
      const entropy = -total(target.map((part, j) => part * plain.logs[j]!));
      return weight * temperature ** 2 * divergence + (1 - weight) * entropy;
    });
    return { loss: Float64Array.from(loss) };
  },
  conditions: (inputs, params) => {
    const [weight, temperature] = [scalar(params, 'weight'), scalar(params, 'temperature')];
    const magnitude = rowsOf(inputs, params).map(({ counts, plain, student, teacher, target }) => {
      if (!counts) return 0;
      // Σ p·(a - b), where a and b are the distances from the largest, and p rounds as softmax does;
      // then the logarithms of both sums, whose terms round as exp does.
      const rounding = roundingOf(teacher);
      const ratios = total(
        teacher.distances.map((a, j) => {
          const b = student.distances[j]!;
          return Math.exp(teacher.logs[j]!) * (a + b) + rounding[j]! * Math.abs(a - b);
        }),
      );
      const logSums = [teacher, student, plain].map((row) => {
        const logSum = Math.abs(Math.min(...row.distances.map((d, j) => d + row.logs[j]!)));
        return 1 + logSum + total(roundingOf(row));
      });
      const entropy = total(target.map((part, j) => part * plain.distances[j]!));
      const soft = ratios + logSums[0]! + logSums[1]!;
      return weight * temperature ** 2 * soft + (1 - weight) * (logSums[2]! + 2 * entropy);
    });
    return {
      loss: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  },
};

/** dx = dloss · (w T (q - p) + (1 - w) (softmax(x) - target)), 0 for ignored rows. */
export const distillationLossBackward: Reference = {
  twin: (inputs, params) => {
    const [weight, temperature] = [scalar(params, 'weight'), scalar(params, 'temperature')];
    const dloss = floats(inputs, 'dloss');
    const dx = rowsOf(inputs, params).flatMap(({ counts, plain, student, teacher, target }, row) =>
      target.map((part, j) => {
        if (!counts) return 0;
        const soft = Math.exp(student.logs[j]!) - Math.exp(teacher.logs[j]!);
        const hard = Math.exp(plain.logs[j]!) - part;
        return dloss[row]! * (weight * temperature * soft + (1 - weight) * hard);
      }),
    );
    return { dx: Float64Array.from(dx) };
  },
  conditions: ((inputs, params) => {
    const [weight, temperature] = [scalar(params, 'weight'), scalar(params, 'temperature')];
    const dloss = floats(inputs, 'dloss');
    const magnitude = rowsOf(inputs, params).flatMap((given, row) => {
      const [plain, student, teacher] = [given.plain, given.student, given.teacher].map(roundingOf);
      return given.target.map((part, j) => {
        if (!given.counts) return 0;
        const soft = weight * temperature * (student![j]! + teacher![j]!);
        return Math.abs(dloss[row]!) * (soft + (1 - weight) * (plain![j]! + part));
      });
    });
    return {
      dx: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  }) satisfies Conditions,
};
