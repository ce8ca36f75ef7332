// The site of docs/: `npm run docs` serves it, `npm run build:docs` writes docs/.vitepress/dist/, which any static
// host can serve (`npm --prefix docs run build -- --base /docs/` where it lies
// under a path). A link that leads nowhere fails the build. The reference is made of the docstrings in src before.

/**
 * Pages of a group, as the sidebar shows them.
 * @param {string} text
 * @param {Readonly<Record<string, string>>} pages their titles by their addresses
 */
function group(text, pages) {
  return { text, items: Object.entries(pages).map(([link, title]) => ({ text: title, link })) };
}

const sidebar = [
  group('Begin', { '/start': 'Start here' }),
  group('Guides', {
    '/guides/tasks': 'Tasks',
    '/guides/loading': 'Loading models',
    '/guides/memory': 'Memory and dtypes',
    '/guides/generation': 'Generation',
    '/guides/chat': 'Chat',
    '/guides/search': 'Embeddings and search',
    '/guides/vision': 'Vision',
    '/guides/speech': 'Speech',
    '/guides/training': 'Training',
    '/guides/adapters': 'Adapters (LoRA)',
    '/guides/rounds': 'Training on several machines',
    '/guides/metrics': 'Metrics',
    '/guides/inside': 'Looking inside',
  }),
  group('In an app', {
    '/guides/workers': 'Workers',
    '/guides/react': 'React',
    '/guides/next': 'Next.js',
    '/guides/service-workers': 'Service workers',
    '/guides/csp': 'Content security policy',
    '/guides/serving': 'Serving',
    '/guides/batch-jobs': 'Batch jobs',
    '/guides/testing': 'GPU code in CI',
  }),
  group('Look up', {
    '/reference/': 'API reference',
    '/points': 'Named points',
    '/errors': 'Error codes',
    '/models': 'Models that work',
    '/platforms': 'Browsers and drivers',
    '/transformers-js': 'From transformers.js',
  }),
  group('About', {
    '/about/how-it-works': 'How it works',
    '/about/tests': 'How it is tested',
    '/about/performance': 'Performance',
    '/about/jobs-model': 'What jobs cost',
  }),
];

/**
 * A token of markdown-it; its types come with the site's own packages.
 * @typedef {object} Token
 * @property {string} type
 * @property {string} info
 * @property {readonly Token[] | null} children
 * @property {(name: string) => string | null} attrGet
 * @property {(name: string, value: string) => void} attrSet
 */

/**
 * What its rules change.
 * @typedef {object} State
 * @property {Token[]} tokens
 * @property {new (type: string, tag: string, nesting: -1 | 0 | 1) => Token} Token
 */

/**
 * @typedef {object} Markdown
 * @property {{ ruler: { after(other: string, name: string, rule: (state: State) => void): void } }} core
 */

/**
 * Has images of documents at the root, which pages of about/ include, be found from there.
 * @param {Markdown} markdown
 */
function pointImagesToRoot(markdown) {
  markdown.core.ruler.after('inline', 'images-of-the-root', ({ tokens }) => {
    for (const image of tokens.flatMap(({ children }) => children ?? [])) {
      const source = image.type === 'image' ? image.attrGet('src') : null;
      if (source?.startsWith('bench/')) image.attrSet('src', `../../${source}`);
    }
  });
}

/**
 * Shows the name of a file above its code: alone as in a group.
 * @param {Markdown} markdown
 */
function nameFiles(markdown) {
  markdown.core.ruler.after('block', 'names-of-files', ({ tokens, Token }) => {
    let isGroup = false;
    for (let at = 0; at < tokens.length; at += 1) {
      const { type, info } = tokens[at];
      if (type.startsWith('container_code-group')) isGroup = type.endsWith('_open');
      if (type !== 'fence' || isGroup || !/\[.+\]/.test(info)) continue;
      tokens.splice(at, 0, new Token('container_code-group_open', 'div', 1));
      tokens.splice(at + 2, 0, new Token('container_code-group_close', 'div', -1));
      at += 2;
    }
  });
}

export default {
  title: 'webgpu-transformer',
  description: 'Transformers in raw WebGPU: guides and reference',
  lang: 'en',
  srcExclude: ['known-models/**'],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(/** @type {Markdown} */ markdown) {
      pointImagesToRoot(markdown);
      nameFiles(markdown);
    },
  },
  // A page of the reference is as long as its entry.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Models', link: '/models' },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
  },
};
