// Before each test file in Node. The tests get their GPU from the library, whose search finds Dawn
// and a driver, and which throws when there is none; so here the adapter is only shown, once a run.
if (process.env['VITEST_WORKER_ID'] === '0') {
  const { Gpu } = await import('webgpu-transformer');
  const gpu = await Gpu.request();
  const { vendor, architecture, description, route } = gpu.info;
  const name = [vendor, architecture, description].filter((part) => part !== '').join(' ');
  console.log(`Adapter in Node: ${name} (${route})`);
  gpu.dispose();
}

export {};
