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
    '/guides/inside': 'Looking inside',
  }),
  group('In an app', {
    '/guides/workers': 'Workers',
    '/guides/react': 'React',
    '/guides/next': 'Next.js',
    '/guides/service-workers': 'Service workers',
    '/guides/csp': 'Content security policy',
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
  }),
];

/**
 * A token of markdown-it; its types come with the site's own packages.
 * @typedef {object} Token
 * @property {string} type
 * @property {readonly Token[] | null} children
 * @property {(name: string) => string | null} attrGet
 * @property {(name: string, value: string) => void} attrSet
 */

/**
 * Has images of documents at the root, which pages of about/ include, be found from there.
 * @param {{ core: { ruler: { after(other: string, name: string, rule: (state: { tokens: readonly Token[] }) => void): void } } }} markdown
 */
function pointImagesToRoot(markdown) {
  markdown.core.ruler.after('inline', 'images-of-the-root', ({ tokens }) => {
    for (const image of tokens.flatMap(({ children }) => children ?? [])) {
      const source = image.type === 'image' ? image.attrGet('src') : null;
      if (source?.startsWith('bench/')) image.attrSet('src', `../../${source}`);
    }
  });
}

export default {
  title: 'webgpu-transformer',
  description: 'Transformers in raw WebGPU: guides and reference',
  lang: 'en',
  srcExclude: ['known-models/**'],
  markdown: { config: pointImagesToRoot },
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
