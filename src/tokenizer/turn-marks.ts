// Where an assistant speaks in a conversation that is text: what transformers' `{% generation %}` blocks write.

/** Around what stands in a block; noncharacters of Unicode, which no text for people holds. */
const [open, close] = ['\ufdd0', '\ufdd1'];

/**
 * A template that writes marks around its blocks, inside of what Jinja drops at their tags: spaces beside a dash, the
 * end of line behind one, and the spaces before one that begins a line.
 */
export function markTurns(template: string): string {
  return template
    .replaceAll(/\{%-?\s*generation\s*(?:-%\}\s*|%\}\n?)/g, (tag) => tag + open)
    .replaceAll(/(?:\s*\{%-|(?:^[ \t]*)?\{%)\s*endgeneration/gm, (tag) =>
      tag.includes('{%-') ? close + tag : close + tag.trimStart(),
    );
}

/** A text without the marks, and what stood between them; undefined where there are none. */
export function turnsIn(marked: string): {
  text: string;
  turns: [start: number, end: number][] | undefined;
} {
  const turns: [number, number][] = [];
  let text = '';
  for (const piece of marked.split(open)) {
    const [spoken = '', ...rest] = piece.split(close);
    if (rest.length > 0) turns.push([text.length, text.length + spoken.length]);
    text += spoken + rest.join('');
  }
  return { text, turns: turns.length > 0 ? turns : undefined };
}
