// How the tests start Chromium. The variables read here are set by scripts/with-driver.mjs.
import type { LaunchOptions } from 'playwright';

const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan,WebGPU',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // Sound may be recorded without a click.
  '--autoplay-policy=no-user-gesture-required',
  // On a software adapter the driver's own zero fill of workgroup memory takes milliseconds.
  '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
];

/** The soak measures the heap: to the byte, and when all that is free was collected. */
const measuring = ['--enable-precise-memory-info', '--js-flags=--expose-gc'];

/** Launch options for Playwright: the browser to run, and the adapter it is to offer. */
export function chromiumLaunchOptions(): LaunchOptions {
  const env = process.env;
  const adapter = env['CHROMIUM_WEBGPU_ADAPTER'];
  const libraries = [env['LD_LIBRARY_PATH'], env['CHROMIUM_LD_LIBRARY_PATH']].filter(Boolean);
  const all = env['SOAK'] === undefined ? flags : [...flags, ...measuring];
  return {
    args: adapter === undefined ? all : [...all, `--use-webgpu-adapter=${adapter}`],
    // Playwright's own default would be the headless shell, which has no WebGPU.
    ...(env['CHROMIUM_PATH'] === undefined
      ? { channel: 'chromium' }
      : { executablePath: env['CHROMIUM_PATH'] }),
    env: { ...env, LD_LIBRARY_PATH: libraries.join(':') },
  };
}
