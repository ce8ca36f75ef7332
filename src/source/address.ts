// Addresses of folders on the web and of the files in them.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

/** The folder's address, ending in `/`. */
export function folderUrl(url: string | URL): URL {
  const page = typeof location === 'undefined' ? undefined : location.href;
  let folder: URL;
  try {
    // In a page, everything else would be the name of a folder.
    if (typeof url !== 'string' && !(url instanceof URL))
      throw new TypeError('neither text nor URL');
    folder = new URL(url, page);
  } catch (cause) {
    const wanted = page === undefined ? 'a full address such as https://host/model/' : 'an address';
    throw new TransformerError('INPUT_INVALID', `${show(url)} is no URL. Pass ${wanted}.`, {
      cause,
    });
  }
  folder.hash = '';
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return folder;
}

/** The file's address: its name goes into the path, the folder's query stays behind it. */
export function fileUrl(folder: URL, file: string): URL {
  const url = new URL(folder);
  url.pathname += file.split(/[\\/]/).map(encodeURIComponent).join('/');
  return url;
}

/** An address for messages, without what may be secret: credentials and query. */
export function display(url: URL): string {
  const shown = new URL(url);
  shown.username = shown.password = shown.search = '';
  return shown.href;
}

/** User and password of an address as a header has them. */
export function basicLogin({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const plain = new TextEncoder().encode([username, password].map(decoded).join(':'));
  return `Basic ${btoa(Array.from(plain, (byte) => String.fromCharCode(byte)).join(''))}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
