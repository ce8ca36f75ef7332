// The program that computes what is on the page.

import { mostTokens, newTokens } from './limits.ts';
import { embedded, linesOf, own, sceneOf, type State } from './state.ts';

/** JavaScript for Node or a page, of the public interface alone. It prints what the page shows. */
export function codeOf(state: State): string {
  const scene = sceneOf(state);
  const hasEdits = scene.off.length > 0 || scene.steering !== undefined;
  const methods = [
    ...(scene.lens ? [hasEdits ? 'unembed' : 'logitLens'] : []),
    ...(scene.pair === undefined ? [] : ['patchActivations']),
    ...(scene.steering === undefined ? [] : ['steeringVector']),
  ].toSorted();
  const places: Readonly<Record<string, string>> = { [embedded]: 'models/novels', [own]: 'DIR' };
  const source = places[state.model] ?? state.model;
  return [
    "import { pipeline } from 'webgpu-transformer';",
    ...(methods.length > 0
      ? [`import { ${methods.join(', ')} } from 'webgpu-transformer/interpret';`]
      : []),
    '',
    `const generate = await pipeline('text-generation', ${text(source)});`,
    'const { model, tokenizer } = generate;',
    `const encode = (text) => ({ inputIds: [tokenizer.encode(text).slice(-${mostTokens})] });`,
    `const inputs = encode(${text(state.text)});`,
    'const tokenAt = (id) => tokenizer.decode([id], { skipSpecialTokens: false });',
    ...(hasEdits ? editLines(state) : []),
    ...nextLines(state, hasEdits),
    ...textLines(state, hasEdits),
    ...(scene.lens ? lensLines(hasEdits) : []),
    ...(scene.pair === undefined ? [] : pairLines(state)),
    'generate.dispose();',
    '',
  ].join('\n');
}

function editLines(state: State): string[] {
  const { off, steering } = sceneOf(state);
  const heads = off.map(
    ({ layer, head }) => `  { at: 'layers.${layer}.head.${head}', replace: 0 },`,
  );
  if (steering === undefined)
    return ['', '// Heads that are switched off', 'const edit = [', ...heads, '];'];
  const at = `layers.${steering.layer}.output`;
  const list = (name: string, lines: string): string[] => [
    `  ${name}: [`,
    ...linesOf(lines).map((line) => `    ${text(line)},`),
    '  ].map(encode),',
  ];
  return [
    '',
    '// What is changed inside',
    'const add = await steeringVector(model, {',
    `  at: '${at}',`,
    "  over: 'all',",
    ...list('positive', state.toward),
    ...list('negative', state.away),
    '});',
    'const edit = [',
    ...heads,
    `  { at: '${at}', add, scale: ${steering.scale} },`,
    '];',
  ];
}

function nextLines({ temperature, head, open }: State, hasEdits: boolean): string[] {
  const asked = [
    'logitsToKeep: 1',
    ...(open.includes('heads') ? ['attentions: true'] : []),
    ...(hasEdits ? ['edit'] : []),
  ];
  const divided = temperature === 0 || temperature === 1 ? 'logit' : `logit / ${temperature}`;
  return [
    '',
    '// The next token',
    `const { logits${open.includes('heads') ? ', attentions' : ''} } = await model.forward(inputs, { ${asked.join(', ')} });`,
    `const powers = Array.from(logits.data, (logit) => Math.exp(${divided}));`,
    'const sum = powers.reduce((total, power) => total + power);',
    'const order = powers.map((power, id) => [power / sum, id]).sort(([a], [b]) => b - a);',
    'for (const [share, id] of order.slice(0, 5)) console.log(JSON.stringify(tokenAt(id)), share);',
    ...(open.includes('heads')
      ? [
          '',
          `// Where layer ${head.layer + 1}, head ${head.head + 1} looks from the last token`,
          `const { data, shape } = attentions[${head.layer}]; // (1, heads, T, T)`,
          'const [, , , size] = shape;',
          `const end = (${head.head} * size + size) * size;`,
          'console.log(data.slice(end - size, end));',
        ]
      : []),
  ];
}

function textLines({ temperature, topP, seed }: State, hasEdits: boolean): string[] {
  const sampling =
    temperature === 0
      ? ['doSample: false']
      : [
          'doSample: true',
          `temperature: ${temperature}`,
          ...(topP < 1 ? [`topP: ${topP}`] : []),
          'topK: 0',
          `seed: ${seed}`,
        ];
  const options = [`maxNewTokens: ${newTokens}`, ...sampling, ...(hasEdits ? ['edit'] : [])];
  return [
    '',
    '// How it goes on',
    'const { sequences } = await model.generate(inputs, {',
    ...options.map((option) => `  ${option},`),
    '});',
    'console.log(tokenizer.decode(sequences[0]));',
  ];
}

function lensLines(hasEdits: boolean): string[] {
  if (!hasEdits) {
    return [
      '',
      '// What it would say after each layer, at each token',
      'const lens = await logitLens(model, inputs, { topK: 1 });',
      'lens.tokens.forEach((row, i) => {',
      "  console.log(lens.points[i], row.map(([best]) => tokenAt(best)).join(' | '));",
      '});',
    ];
  }
  return [
    '',
    '// What it would say after each layer, at each token',
    "const points = ['embeddings', 'layers.*.output'];",
    'const { captured } = await model.forward(inputs, { capture: points, edit });',
    'for (const [point, states] of Object.entries(captured)) {',
    '  const said = await unembed(model, states); // (1, T, V)',
    '  const [, tokens, vocabulary] = said.shape;',
    '  const best = Array.from({ length: tokens }, (_, i) => {',
    '    const row = said.data.subarray(i * vocabulary, (i + 1) * vocabulary);',
    '    return tokenAt(row.indexOf(row.reduce((a, b) => Math.max(a, b))));',
    '  });',
    "  console.log(point, best.join(' | '));",
    '}',
  ];
}

function pairLines({ other, part }: State): string[] {
  return [
    '',
    '// What the answer hangs on',
    `const others = encode(${text(other)});`,
    'const likeliest = async (given) => {',
    '  const { logits: found } = await model.forward(given, { logitsToKeep: 1 });',
    '  return found.data.indexOf(found.data.reduce((a, b) => Math.max(a, b)));',
    '};',
    'const [id, against] = [await likeliest(inputs), await likeliest(others)];',
    'const { points: places, recovered } = await patchActivations(model, {',
    '  clean: inputs,',
    '  corrupted: others,',
    '  measure: id === against ? { id } : { id, against },',
    `  at: 'layers.*.${part}',`,
    '});',
    'recovered.forEach((row, i) => {',
    "  console.log(places[i], row.map((value) => value.toFixed(2)).join(' '));",
    '});',
  ];
}

/** A text as a literal of the style of the package. */
function text(value: string): string {
  const json = JSON.stringify(value);
  return value.includes("'") ? json : `'${json.slice(1, -1).replaceAll(String.raw`\"`, '"')}'`;
}
