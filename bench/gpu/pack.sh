#!/usr/bin/env bash
# Packs what a bare x86-64 Linux machine with a GPU needs to run tests and benchmarks in Node: Node itself,
# Dawn, a Vulkan loader and the test tools. Run it in the project's root, after `npm ci`; writes .gpu/,
# some 40 MB that git ignores, with a run.sh to begin commands with there.
set -euo pipefail
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "pack.sh packs for x86-64 Linux; this is $(uname -sm)" >&2; exit 1; }
[ -d node_modules/webgpu ] || { echo 'pack.sh: run npm ci first' >&2; exit 1; }
rm -rf .gpu && mkdir .gpu
cp "$(node -p 'fs.realpathSync(process.execPath)')" .gpu/node
strip .gpu/node 2>/dev/null || true
xz -T2 -3 .gpu/node
if ! (cd .gpu && apt-get download -qq libvulkan1 >/dev/null 2>&1); then
  echo 'pack.sh: apt has no libvulkan1; the other machine needs a libvulkan.so.1 of its own' >&2
fi
# Without other platforms' binaries, browsers, and what only checks and builds the package.
tar -cf - \
  --exclude='*/webgpu/dist/darwin*' --exclude='*/webgpu/dist/win32*' --exclude='*/webgpu/dist/linux-arm64' \
  --exclude='node_modules/@sparticuz' --exclude='node_modules/*typescript*' --exclude='node_modules/webpack*' \
  --exclude='node_modules/*ox[cfl]*' --exclude='node_modules/*knip*' --exclude='node_modules/*esbuild*' \
  --exclude='node_modules/playwright*' --exclude='node_modules/bare-*' --exclude='node_modules/zod' \
  --exclude='node_modules/.cache' --exclude='*.map' --exclude='*.md' \
  node_modules | xz -T2 -3 > .gpu/node_modules.tar.xz
cp bench/gpu/run.sh .gpu/run.sh
du -sh .gpu
