// Unpacks Mesa's lavapipe: a Vulkan driver that computes on the CPU and has what GPUs have (f16,
// subgroups of 4, 8 or 16 lanes, subgroup matrices). It comes from Debian's packages through this
// machine's apt, with the C library that it needs and a `node` that starts on that library. All of
// it goes into the user's cache folder; nothing of the system changes.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Mesa's 26.1 has subgroup matrices, too, but gave wrong results on some processors. */
const oldest = 26.2;
/** Releases of Debian, of which the first that is new enough is taken. */
const releases = ['forky', 'sid'];
const packages = ['mesa-vulkan-drivers', 'libvulkan1', 'libstdc++6', 'libatomic1'];
const platform = 'x86_64-linux-gnu';
const loader = 'ld-linux-x86-64.so.2';
const driver = 'libvulkan_lvp.so';

/**
 * The variables with which a child process computes on lavapipe, unpacked when that was not done:
 * `LAVAPIPE_LANES` says how many lanes a subgroup has, `LAVAPIPE_SUITE` which release of Debian alone
 * the driver comes from. `PATH` begins with the folder of a `node` that can load it.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Record<string, string>>}
 */
export async function lavapipeEnvironment(env) {
  const lanes = env.LAVAPIPE_LANES ?? '8';
  if (!['4', '8', '16'].includes(lanes)) {
    throw new Error(`LAVAPIPE_LANES is "${lanes}", wanted 4, 8 or 16.`);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `lavapipe is unpacked on x86-64 Linux, not on ${process.platform} ${process.arch}.`,
    );
  }
  const suites = env.LAVAPIPE_SUITE ? [env.LAVAPIPE_SUITE] : releases;
  const cache = path.join(
    env.XDG_CACHE_HOME || path.join(homedir(), '.cache'),
    'webgpu-transformer-tests',
  );
  const dir = path.join(cache, `lavapipe-${oldest}-${suites.join('-')}`);
  if (!existsSync(dir)) {
    await once(dir, async (fresh) => {
      await unpack(fresh, suites);
      await writeNode(fresh, dir);
    });
  }
  // Compiling takes most of a first run. The lanes are not part of the keys of this cache.
  const shaders = path.join(cache, `lavapipe-shaders-${lanes}`);
  await mkdir(shaders, { recursive: true });
  return {
    LAVAPIPE_NODE: env.LAVAPIPE_NODE ?? process.execPath,
    LP_NATIVE_VECTOR_WIDTH: String(32 * Number(lanes)),
    MESA_SHADER_CACHE_DIR: shaders,
    PATH: `${path.join(dir, 'bin')}${path.delimiter}${env.PATH ?? ''}`,
    VK_DRIVER_FILES: path.join(dir, 'lvp_icd.json'),
    WEBGPU_TRANSFORMER_ADAPTER: 'lavapipe',
  };
}

/**
 * Fills a folder that appears as a whole or not at all; two processes may start at once.
 * @param {string} dir
 * @param {(fresh: string) => Promise<void>} fill
 */
async function once(dir, fill) {
  const fresh = `${dir}.${process.pid}`;
  try {
    await mkdir(fresh, { recursive: true });
    await fill(fresh);
    await rename(fresh, dir);
  } catch (error) {
    if (!existsSync(dir)) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {string} dir
 * @param {readonly string[]} suites
 */
async function unpack(dir, suites) {
  console.error(`Unpacking lavapipe of Debian's ${suites.join(' or ')}, once …`);
  const apt = path.join(dir, 'apt');
  const root = path.join(dir, 'root');
  const lib = path.join(dir, 'lib');
  await mkdir(lib);
  const archives = await downloadFirst(apt, suites);
  for (const archive of archives) await run('dpkg-deb', ['-x', archive, root]);

  const from = path.join(root, 'usr', 'lib', platform);
  const needed = [driver, 'libvulkan.so.1', loader].map((name) => path.join(from, name));
  for (const file of [path.join(from, driver), process.execPath]) {
    const list = await run(path.join(from, loader), ['--library-path', from, '--list', file]);
    for (const [, library = ''] of list.stdout.matchAll(/=> (\/\S+)/g)) needed.push(library);
  }
  for (const file of new Set(needed)) await copyFile(file, path.join(lib, path.basename(file)));
  const icd = { api_version: '1.4.0', library_path: `./lib/${driver}` };
  const manifest = { file_format_version: '1.0.0', ICD: icd };
  await writeFile(path.join(dir, 'lvp_icd.json'), JSON.stringify(manifest));
  await Promise.all([apt, root].map((folder) => rm(folder, { recursive: true })));
}

/**
 * The driver's packages and those they need, of the first of these releases that has a driver new enough.
 * @param {string} dir
 * @param {readonly string[]} suites
 * @returns {Promise<string[]>} the archives
 */
async function downloadFirst(dir, suites) {
  const [suite = '', ...others] = suites;
  try {
    return await download(path.join(dir, suite), suite);
  } catch (error) {
    if (others.length === 0) throw error;
    console.error(messageOf(error));
    return downloadFirst(dir, others);
  }
}

/**
 * The driver's packages and those they need, by an apt with state of its own.
 * @param {string} dir
 * @param {string} suite
 * @returns {Promise<string[]>} the archives
 */
async function download(dir, suite) {
  const archives = path.join(dir, 'cache', 'archives');
  await mkdir(path.join(dir, 'lists', 'partial'), { recursive: true });
  await mkdir(path.join(archives, 'partial'), { recursive: true });
  await mkdir(path.join(dir, 'none'));
  await writeFile(path.join(dir, 'status'), '');
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const signed = existsSync(keys) ? `[signed-by=${keys}] ` : '';
  await writeFile(path.join(dir, 'sources'), `deb ${signed}${await mirror()} ${suite} main\n`);
  const settings = path.join(dir, 'apt.conf');
  // Read after the system's settings, which may name a proxy; its hooks do not run.
  await writeFile(
    settings,
    `#clear APT::Update;
#clear DPkg;
Dir::Etc::sourcelist "${dir}/sources"; Dir::Etc::sourceparts "${dir}/none";
Dir::State "${dir}"; Dir::State::lists "${dir}/lists"; Dir::State::status "${dir}/status";
Dir::Cache "${dir}/cache"; APT::Architecture "amd64"; APT::Install-Recommends "false";
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "3"; Debug::NoLocking "true";
`,
  );
  try {
    await run('apt-get', ['-c', settings, '-qq', 'update']);
    await run('apt-get', ['-c', settings, '-qq', '-y', '--download-only', 'install', ...packages]);
  } catch (error) {
    throw new Error(
      `apt could not fetch lavapipe of "${suite}". Check the network, and that the mirror in apt's ` +
        `sources has this release (LAVAPIPE_SUITE names another).\n${messageOf(error)}`,
      { cause: error },
    );
  }
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  const version = /^mesa-vulkan-drivers_(\d+\.\d)/m.exec(names.join('\n'))?.[1] ?? '0';
  if (Number(version) < oldest) {
    throw new Error(
      `"${suite}" has Mesa ${version}, wanted ${oldest} or later. Name a newer release in LAVAPIPE_SUITE.`,
    );
  }
  return names.map((name) => path.join(archives, name));
}

/**
 * Where this machine gets its own packages from. Asks for no list, and so for no network.
 * @returns {Promise<string>}
 */
async function mirror() {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1] ?? 'stable';
  let addresses;
  try {
    addresses = execFileSync('apt-get', ['update', '--print-uris'], { encoding: 'utf8' });
  } catch (error) {
    const message = `lavapipe comes through apt, which does not run here: ${messageOf(error)}`;
    throw new Error(message, { cause: error });
  }
  const bases = [...addresses.matchAll(/^'(\S+)\/dists\/([^/]+)\/InRelease'/gm)];
  const [, base] = bases.find(([, , name]) => name === codename) ?? bases[0] ?? [];
  if (base === undefined) throw new Error('apt has no source of packages to fetch lavapipe from.');
  return base;
}

/**
 * A `node` that starts on the C library in `lib`, and so do the processes that it forks.
 * @param {string} dir where it is written
 * @param {string} home where that folder will stand
 */
async function writeNode(dir, home) {
  const lib = path.join(home, 'lib');
  const node = `#!/bin/sh
exec '${lib}/${loader}' --library-path '${lib}' "$LAVAPIPE_NODE" --import '${home}/bin/fork.mjs' "$@"
`;
  await mkdir(path.join(dir, 'bin'));
  await writeFile(path.join(dir, 'bin', 'node'), node, { mode: 0o755 });
  // What was started is the loader, for Node. It would start that again.
  const fork = `process.execPath = ${JSON.stringify(path.join(home, 'bin', 'node'))};\n`;
  await writeFile(path.join(dir, 'bin', 'fork.mjs'), fork);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
