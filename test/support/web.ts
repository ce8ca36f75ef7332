// A folder on the web server of the tests (test/setup/web-server.ts), in Node and in Chromium.

import { inject } from 'vitest';

/** How a request goes wrong. */
export interface Fault {
  /** The end of the path it is about. */
  readonly path: string;
  /** Default GET. */
  readonly method?: string;
  /** How many requests. Default 1. */
  readonly times?: number;
  /** This status in place of the file, with these headers and this body. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection is cut after so many bytes of the body, */
  readonly after?: number;
  /** or falls silent there. */
  readonly stalls?: boolean;
  /** The body comes in four parts, each after so many milliseconds. */
  readonly slow?: number;
  /** Ranges are ignored. */
  readonly noRanges?: boolean;
  /** The length announced, true or not. */
  readonly announce?: number;
}

export interface WebRequest {
  readonly method: string;
  readonly path: string;
  readonly range?: string | undefined;
  readonly authorization?: string | undefined;
  readonly host: string;
}

export interface WebFolder {
  readonly url: string;
  /** The same folder on another origin. */
  readonly elsewhere: string;
  put(
    file: string,
    content: Uint8Array<ArrayBuffer> | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** The next requests go wrong like this; what was told before is forgotten. */
  misbehave(...faults: readonly Fault[]): Promise<void>;
  /** The requests there were, but for those of the test itself. */
  requests(): Promise<WebRequest[]>;
}

let folders = 0;

/** An empty folder, unlike all others of the run. */
export function webFolder(): WebFolder {
  const session = `${Date.now()}-${Math.random().toString(36).slice(2)}-${++folders}`;
  const url = `http://127.0.0.1:${inject('webServer')}/${session}`;
  const send = async (address: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(address, init);
    if (!response.ok) throw new Error(`The tests' server answered ${response.status}.`);
    return response;
  };
  return {
    url,
    elsewhere: url.replace('127.0.0.1', 'localhost'),
    async put(file, content, headers = { ETag: `"${folders}-${content.length}"` }) {
      const told = { 'X-File-Headers': JSON.stringify(headers) };
      await send(`${url}/${file}`, { method: 'PUT', body: content, headers: told });
    },
    async misbehave(...faults) {
      await send(url, { method: 'POST', body: JSON.stringify(faults) });
    },
    async requests() {
      return (await send(url, {})).json() as Promise<WebRequest[]>;
    },
  };
}
