// Before each test file in Chromium: without an adapter nothing runs, and nothing is skipped.
const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) {
  throw new Error(
    'Chromium offers no WebGPU adapter. Run the tests with "npm test", which brings a software ' +
      'adapter on x86-64 Linux; elsewhere a graphics driver is needed.',
  );
}

// Once a run: all test files share the storage of one page.
if (sessionStorage.getItem('adapter') === null) {
  const { vendor, architecture, description } = adapter.info;
  sessionStorage.setItem('adapter', architecture);
  console.log(`Adapter in Chromium: ${[vendor, architecture, description].join(' ').trim()}`);
}

export {};
