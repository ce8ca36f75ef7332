// Finds or unpacks what WebGPU needs on a machine without a GPU: a Vulkan software driver
// (SwiftShader), a Vulkan loader, and a Chromium. All of them come from the development dependency
// @sparticuz/chromium, which holds them as brotli archives for x86-64 Linux.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { lavapipeEnvironment } from './lavapipe.mjs';
import { readTar } from './tar.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const packageDir = path.join(root, 'node_modules', '@sparticuz', 'chromium');
const browserNames = ['google-chrome-stable', 'google-chrome', 'chrome', 'chromium'];

/**
 * The variables to add to `env` so that a child process finds a WebGPU adapter:
 *
 * - `VK_ADD_DRIVER_FILES` offers SwiftShader to the Vulkan loader, next to the drivers installed.
 * - `LD_LIBRARY_PATH` leads to a Vulkan loader, only where the system has none.
 * - `CHROMIUM_PATH` is the browser for the tests: the one given, else one in PATH, else unpacked.
 * - `CHROMIUM_LD_LIBRARY_PATH` leads to the libraries of an unpacked browser.
 * - `CHROMIUM_WEBGPU_ADAPTER` is `swiftshader` where no GPU was found.
 * - `FONTCONFIG_PATH` leads to a few fonts, only where the system has no font configuration.
 * - Those of lavapipe.mjs, only where `LAVAPIPE_LANES` asks for it.
 *
 * Outside x86-64 Linux there is nothing to unpack and only `CHROMIUM_PATH` may be added.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Record<string, string>>}
 */
export async function driverEnvironment(env) {
  /** @type {Record<string, string>} */
  const added = env.LAVAPIPE_LANES ? await lavapipeEnvironment(env) : {};
  const installed = env.CHROMIUM_PATH || findInPath(browserNames, env);
  if (installed) added.CHROMIUM_PATH = installed;
  if (process.platform !== 'linux') return added;
  if (!hasGpu()) added.CHROMIUM_WEBGPU_ADAPTER = 'swiftshader';
  if (process.arch !== 'x64' || !existsSync(packageDir)) return added;

  const dir = await unpack();
  added.VK_ADD_DRIVER_FILES = join(
    env.VK_ADD_DRIVER_FILES,
    path.join(dir, 'vk_swiftshader_icd.json'),
  );
  if (!hasVulkanLoader(env)) {
    added.LD_LIBRARY_PATH = join(env.LD_LIBRARY_PATH, path.join(dir, 'vulkan'));
  }
  if (!installed) {
    added.CHROMIUM_PATH = path.join(dir, 'chromium');
    added.CHROMIUM_LD_LIBRARY_PATH = path.join(dir, 'lib');
    if (!existsSync('/etc/fonts/fonts.conf') && !env.FONTCONFIG_PATH) {
      added.FONTCONFIG_PATH = path.join(dir, 'fonts');
    }
  }
  return added;
}

/**
 * Unpacks the archives once, into a directory that names their version. It is written elsewhere and
 * renamed at the end, so that a half-written one is never seen and two processes may start at once.
 * @returns {Promise<string>} the directory
 */
async function unpack() {
  const manifest = readFileSync(path.join(packageDir, 'package.json'), 'utf8');
  const { version } = /** @type {{ version: string }} */ (JSON.parse(manifest));
  const dir = path.join(root, 'node_modules', '.cache', 'webgpu-transformer', version);
  if (existsSync(dir)) return dir;
  console.error('Unpacking SwiftShader and Chromium, once …');
  const fresh = `${dir}.${process.pid}`;
  try {
    await mkdir(path.join(fresh, 'vulkan'), { recursive: true });
    await writeFile(path.join(fresh, 'chromium'), await archive('chromium'), { mode: 0o755 });
    for (const name of ['swiftshader.tar', 'al2023.tar', 'fonts.tar']) {
      for (const file of readTar(await archive(name))) {
        const target = path.join(fresh, file.name);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, file.data, { mode: file.mode });
      }
    }
    // The loader alone in a directory: Dawn must not find the OpenGL libraries that lie beside it.
    await symlink('../libvulkan.so.1', path.join(fresh, 'vulkan', 'libvulkan.so.1'));
    const fonts = `<fontconfig><dir>${escapeXml(path.join(dir, 'fonts'))}</dir></fontconfig>\n`;
    await writeFile(path.join(fresh, 'fonts', 'fonts.conf'), fonts);
    await rename(fresh, dir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return dir;
}

/** @param {string} name */
async function archive(name) {
  const packed = await readFile(path.join(packageDir, 'bin', `${name}.br`));
  return promisify(brotliDecompress)(packed);
}

/** Whether Linux shows a graphics device and a Vulkan driver for it. */
function hasGpu() {
  const device =
    existsSync('/dev/nvidiactl') || list('/dev/dri').some((name) => name.startsWith('renderD'));
  const drivers = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']
    .flatMap(list)
    .filter((name) => name.endsWith('.json') && !/^(lvp|vk_swiftshader)_icd/.test(name));
  return device && drivers.length > 0;
}

/** @param {NodeJS.ProcessEnv} env */
function hasVulkanLoader(env) {
  const name = 'libvulkan.so.1';
  if ((env.LD_LIBRARY_PATH ?? '').split(':').some((dir) => dir && list(dir).includes(name))) {
    return true;
  }
  for (const ldconfig of ['/sbin/ldconfig', '/usr/sbin/ldconfig', 'ldconfig']) {
    try {
      return execFileSync(ldconfig, ['-p'], { encoding: 'utf8' }).includes(`${name} (libc6,x86-64`);
    } catch {
      // Not there: the next place.
    }
  }
  return false;
}

/**
 * @param {string[]} names
 * @param {NodeJS.ProcessEnv} env
 */
function findInPath(names, env) {
  for (const name of names) {
    for (const dir of (env.PATH ?? '').split(path.delimiter)) {
      const file = path.join(dir, name);
      if (dir && existsSync(file)) return file;
    }
  }
  return undefined;
}

/** @param {string} dir */
function list(dir) {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/**
 * @param {string | undefined} present a colon-separated list
 * @param {string} added
 */
function join(present, added) {
  if (!present) return added;
  return present.split(':').includes(added) ? present : `${present}:${added}`;
}

/** @param {string} text */
function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
