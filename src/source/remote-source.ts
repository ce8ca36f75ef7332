// Sources on a network by their addresses.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { display, fileUrl, folderUrl } from './address.ts';
import { checkHttpOptions, type HttpOptions } from './http-options.ts';
import { LazyRemoteSource } from './lazy-source.ts';
import type { RemoteSource } from './source.ts';

/**
 * A source over HTTP, in browsers and Node. Nothing is kept between loads.
 * A server that ignores ranges has its file downloaded once and kept until `release()`.
 * Status 404 and 410, and an HTML page in place of the file, count as missing.
 * @param url the folder; in pages and workers relative to their address. A query string is sent
 *   with every file.
 */
export function httpSource(url: string | URL, options: HttpOptions = {}): RemoteSource {
  const checked = checkHttpOptions(options, 'httpSource');
  const folder = folderUrl(url);
  return new LazyRemoteSource(display(folder), folder.href, async () => {
    const { HttpSource } = await import('./http-source.ts');
    return new HttpSource(folder, (file) => fileUrl(folder, file), checked);
  });
}

export interface HubOptions extends HttpOptions {
  /** The address of the Hub or of a mirror. Default https://huggingface.co. */
  readonly endpoint?: string | undefined;
}

/**
 * A source over `hf:owner/name@revision`; a branch, tag or commit, default `main`.
 * A token goes to the endpoint's origin only.
 * @throws TransformerError INPUT_INVALID
 */
export function hubSource(place: string, options: HubOptions = {}): RemoteSource {
  const [, id, revision = 'main'] =
    /^hf:([\w.-]+(?:\/[\w.-]+)?)(?:@([\w./-]+))?$/.exec(place) ?? [];
  if (id === undefined || id.split('/').some((part) => /^\.+$/.test(part))) {
    throw new TransformerError(
      'INPUT_INVALID',
      `${show(place)} names no repository. Pass hf:owner/name or hf:owner/name@revision.`,
    );
  }
  const { endpoint: address = 'https://huggingface.co', ...http } = checkHttpOptions(
    options,
    'hubSource',
    ['endpoint'],
  );
  const endpoint = folderUrl(address);
  const [name, key] = [`hf:${id}@${revision}`, `${endpoint.href}${id}@${revision}`];
  return new LazyRemoteSource(name, key, async () => {
    const { HubSource } = await import('./hub-source.ts');
    return new HubSource({ name, key }, { id, revision, endpoint }, http);
  });
}
