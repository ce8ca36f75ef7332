// What the linter holds. Its most particular rule is the direction of imports: which folder of src, and which
// room of a folder, may import which. A file that breaks it stands in the wrong place, or its import does.

/**
 * What each folder of src may import of the others. Their own README says what lives there.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const folders = {
  runtime: [],
  shaders: ['runtime'],
  source: ['runtime'],
  metrics: ['runtime'],
  tokenizer: ['source', 'runtime'],
  model: ['shaders', 'source', 'runtime', 'self-test'],
  audio: ['model', 'shaders', 'source', 'runtime'],
  images: ['model', 'shaders', 'source', 'runtime'],
  tasks: ['audio', 'images', 'model', 'tokenizer', 'source', 'runtime'],
  training: ['audio', 'images', 'model', 'shaders', 'source', 'tokenizer', 'metrics', 'runtime'],
  interpret: ['training', 'model', 'shaders', 'source', 'runtime'],
  jobs: ['tasks', 'training', 'node', 'audio', 'tokenizer', 'source', 'runtime'],
  // `shaders` and `audio`: what requests are made of; all else of a model comes with the pipelines it is given.
  serve: ['tasks', 'audio', 'model', 'shaders', 'tokenizer', 'source', 'runtime'],
  phrases: ['training', 'model', 'source', 'runtime'],
  'self-test': ['shaders', 'source', 'runtime'],
  node: ['images', 'source', 'runtime'],
};

/**
 * The rooms of a folder, and what each may import of the others; what lies at its root is for all.
 * @type {Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>}
 */
const rooms = {
  shaders: {
    audio: [],
    elementwise: [],
    embedding: [],
    image: [],
    quantize: [],
    matmul: ['elementwise'],
    rows: ['elementwise', 'matmul'],
    attention: ['elementwise', 'matmul', 'rows'],
    experts: ['matmul', 'rows'],
    recurrence: ['matmul', 'rows'],
    streams: ['rows'],
    choice: ['rows'],
    loss: ['elementwise', 'matmul', 'rows'],
    optimizer: ['rows'],
  },
  tasks: {
    text: [],
    image: [],
    sound: [],
  },
  model: {
    weights: [],
    layers: ['weights'],
    inputs: ['layers'],
    points: ['inputs'],
    heads: ['layers', 'inputs', 'weights'],
    families: ['heads', 'inputs', 'layers', 'speech', 'weights'],
    generation: ['layers', 'inputs', 'points'],
    speech: ['generation', 'inputs'],
  },
  cli: {
    text: [],
    image: [],
    sound: [],
    serve: [],
    jobs: [],
    train: [],
    about: [],
  },
};

const all = [...Object.keys(folders), 'cli'];
const entries = {
  regex: String.raw`^node:|^webgpu$|^(\.\./)+index(\.node)?\.ts$`,
  message:
    'Only src/node, src/cli and index.node.ts know Node; nothing in src imports an entry but the command line.',
};
const gradients = {
  regex: String.raw`(^|/)shaders/(index|gradients)\.ts$|^\.{1,2}/(\.\./)*(index|gradients)\.ts$|-backward(-[\w-]+)?\.(ts|wgsl)`,
  message: 'Inference loads no gradients: only training imports them (src/shaders/README.md).',
};

/** @typedef {{ readonly regex: string, readonly message: string }} Pattern */

/**
 * Restricts the imports of some files.
 * @param {readonly string[]} files
 * @param {readonly Pattern[]} patterns
 */
function restrict(files, patterns) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

/**
 * The folders that one may not import.
 * @param {string} folder
 * @returns {Pattern}
 */
function notFrom(folder) {
  const allowed = folders[folder] ?? [];
  const others = all.filter((name) => name !== folder && !allowed.includes(name));
  return {
    regex: `^(\\.\\./)+(${others.join('|')})/`,
    message: `src/${folder} imports ${allowed.join(', ') || 'nothing else of src'} only.`,
  };
}

/**
 * The rooms of its folder that one may not import.
 * @param {string} folder
 * @param {string} room
 * @returns {Pattern}
 */
function notFromRooms(folder, room) {
  const allowed = rooms[folder]?.[room] ?? [];
  const others = Object.keys(rooms[folder] ?? {}).filter(
    (name) => name !== room && !allowed.includes(name),
  );
  return {
    regex: `^(\\.\\./)+(${others.join('|')})/`,
    message: `src/${folder}/${room} imports ${allowed.join(', ') || 'no other room'} only.`,
  };
}

/**
 * A folder's files, then those of its rooms; the gradients among them may import gradients.
 * @param {string} folder
 */
function directions(folder) {
  const base = [entries, notFrom(folder)];
  const places = [
    { at: folder, patterns: base },
    ...Object.keys(rooms[folder] ?? {}).map((room) => ({
      at: `${folder}/${room}`,
      patterns: [...base, notFromRooms(folder, room)],
    })),
  ];
  const trains = ['training', 'interpret', 'self-test'].includes(folder);
  return places.flatMap(({ at, patterns }) => [
    restrict([`src/${at}/**`], trains ? patterns : [...patterns, gradients]),
    restrict([`src/${at}/**/{index,gradients,*-backward}.ts`], patterns),
  ]);
}

export default {
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'vitest'],
  categories: {
    correctness: 'error',
    suspicious: 'error',
  },
  options: {
    typeAware: true,
    denyWarnings: true,
    reportUnusedDisableDirectives: 'error',
  },
  env: {
    builtin: true,
    es2024: true,
    browser: true,
    node: true,
  },
  rules: {
    eqeqeq: 'error',
    'max-lines': [
      'error',
      {
        max: 300,
      },
    ],
    'no-console': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'import/extensions': ['error', 'ignorePackages'],
    'import/no-cycle': 'error',
    'import/no-unassigned-import': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'vitest/expect-expect': [
      'error',
      {
        assertFunctionNames: ['expect', 'expect*'],
      },
    ],
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': ['error', { additionalTestBlockFunctions: ['cases'] }],
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/require-module-specifiers': 'off',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
  },
  overrides: [
    restrict(['src/*.ts'], [entries, gradients]),
    ...Object.keys(folders).flatMap(directions),
    ...Object.keys(rooms['cli'] ?? {}).map((room) =>
      restrict([`src/cli/${room}/**`], [notFromRooms('cli', room)]),
    ),
    {
      files: ['src/index.ts', 'src/index.node.ts', 'src/node/**', 'src/cli/**'],
      rules: { 'no-restricted-imports': 'off' },
    },
    {
      files: ['src/cli/**', 'scripts/**', 'bench/**', 'test/**', 'demo/digits/{pack,train}.ts'],
      rules: { 'no-console': 'off' },
    },
    {
      // Pages that hand over packages, which only bench/ installs, to what has types.
      files: ['bench/peers/{cold,pages}/*.js'],
      rules: Object.fromEntries(
        ['argument', 'assignment', 'call', 'member-access', 'return'].map((use) => {
          return [`typescript/no-unsafe-${use}`, 'off'];
        }),
      ),
    },
    {
      // Projects of their own, whose packages lie elsewhere: their tests check their types with them.
      files: ['examples/**'],
      rules: {
        ...Object.fromEntries(
          ['argument', 'assignment', 'call', 'member-access', 'return'].map((use) => {
            return [`typescript/no-unsafe-${use}`, 'off'];
          }),
        ),
        'no-console': 'off',
        'import/extensions': 'off',
        'typescript/no-base-to-string': 'off',
        'typescript/no-non-null-assertion': 'off',
        'unicorn/require-post-message-target-origin': 'off',
      },
    },
    {
      files: ['test/**'],
      rules: { 'max-lines': 'off', 'typescript/no-non-null-assertion': 'off' },
    },
  ],
  ignorePatterns: ['dist', 'dist-demo', 'coverage', 'models'],
};
