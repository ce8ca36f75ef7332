// The page of a library in a browser of its own, and answers of pages that may never come.

import { type Browser, chromium, type Page } from 'playwright';
import { chromiumLaunchOptions } from '../../test/support/chromium.ts';

/** Milliseconds that a page may take for one answer, weights and compiling included. */
const patience = 900_000;

export interface Opened {
  readonly browser: Browser;
  readonly page: Page;
  /** Rejects when the page throws what nobody catches. */
  readonly thrown: Promise<never>;
}

export async function opened(address: string): Promise<Opened> {
  const browser = await chromium.launch(chromiumLaunchOptions());
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  const thrown = new Promise<never>((_, reject) => page.on('pageerror', reject));
  thrown.catch(() => undefined);
  await page.goto(address);
  return { browser, page, thrown };
}

/** What a page answers. @throws Error when it takes too long */
export async function inTime<T>(asked: Promise<T>): Promise<T> {
  // An answer that comes later, or not since the browser was closed, is no error of its own.
  asked.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`There was no answer in ${patience / 1000} s.`);
    timer = setTimeout(() => reject(error), patience);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first line of what went wrong. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
