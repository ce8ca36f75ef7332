// What the tokens of a detector see, of the numbers that it gives.

/** A box by its edges, in widths and heights of its image, from the top left corner on. */
export interface BoxEdges {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/** A box given by centre and size. */
export function edgesOf([x = 0, y = 0, wide = 0, tall = 0]: Iterable<number>): BoxEdges {
  return { xmin: x - wide / 2, ymin: y - tall / 2, xmax: x + wide / 2, ymax: y + tall / 2 };
}

/** What a token sees that is not nothing, however unsure. */
export interface SeenObject {
  /** The likeliest class. */
  readonly label: number;
  /** Its probability. */
  readonly score: number;
  readonly box: BoxEdges;
}

/** One for each token of an image. logits: (tokens, C), the last class being nothing; boxes: (tokens, 4), centre and size. */
export function seenObjects(
  logits: Float32Array,
  boxes: Float32Array,
  columns: number,
): SeenObject[] {
  return Array.from({ length: logits.length / columns }, (_, token) => {
    const row = logits.subarray(token * columns, (token + 1) * columns);
    const most = row.reduce((greatest, logit) => Math.max(greatest, logit), -Infinity);
    const sum = row.reduce((all, logit) => all + Math.exp(logit - most), 0);
    const classes = row.subarray(0, -1);
    const likeliest = classes.reduce((greatest, logit) => Math.max(greatest, logit), -Infinity);
    return {
      label: Math.max(0, classes.indexOf(likeliest)),
      score: Math.exp(likeliest - most) / sum,
      box: edgesOf(boxes.subarray(4 * token)),
    };
  });
}
