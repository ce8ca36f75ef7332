// The frame of every page, which Vite puts into it: the navigation, and the project with its links.

import type { Plugin } from 'vite';
import { readFileSync } from 'node:fs';

/** The pages, in the order of the navigation. */
const pages = {
  index: 'Translate',
  train: 'Train',
  see: 'See',
  hear: 'Hear',
  look: 'Look inside',
};

export const pageNames: readonly string[] = Object.keys(pages);

/** What package.json says of the project. */
interface Project {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly homepage?: string;
  readonly repository?: string | { readonly url: string };
  readonly bugs?: string | { readonly url: string };
}

const project = JSON.parse(
  readFileSync(`${import.meta.dirname}/../package.json`, 'utf8'),
) as Project;

export const frame: Plugin = {
  name: 'frame',
  transformIndexHtml: {
    order: 'pre',
    handler: (html, { filename }) => {
      const [, name = ''] = /([^/\\]+)\.html$/.exec(filename) ?? [];
      return html
        .replace('<!-- navigation -->', navigation(name))
        .replace('<!-- footer -->', footer);
    },
  },
};

/** Words of it that a page has in several languages stand at `data-word`. */
function navigation(current: string): string {
  const links = Object.entries(pages).map(([page, title]) => {
    const mark = page === current ? ' aria-current="page"' : '';
    const word = page === 'index' ? 'translate' : page;
    return `<a href="./${page}.html" data-word="${word}"${mark}>${title}</a>`;
  });
  return `<nav aria-label="Pages">${links.join('')}</nav>`;
}

/** The project, its licence, and where it is as far as package.json says so. */
const footer: string = ((): string => {
  const { name, version, license, homepage, repository, bugs } = project;
  const addressOf = (place: Project['bugs']): string | undefined =>
    (typeof place === 'string' ? place : place?.url)?.replace(/^git\+|\.git$/g, '');
  const links = Object.entries({
    Documentation: homepage,
    Source: addressOf(repository),
    Issues: addressOf(bugs),
  }).flatMap(([title, address]) =>
    address === undefined ? [] : [`<a href="${address}">${title}</a>`],
  );
  return `<footer><p><span>${name} ${version} · ${license}</span>${links.join('')}</p></footer>`;
})();
