#!/usr/bin/env bash
# On the machine with the GPU, in the project's root, with what pack.sh packed:
#   .gpu/run.sh node scripts/gpu.mjs --out FOLDER
set -euo pipefail
dir=$(cd "$(dirname "$0")" && pwd)
unpack() {
  if command -v xz >/dev/null; then xz -dc "$1"; else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"
  fi
}
if [ ! -x "$dir/bin/node" ]; then
  mkdir -p "$dir/bin"
  unpack "$dir/node.xz" > "$dir/bin/node.new"
  chmod +x "$dir/bin/node.new"
  mv "$dir/bin/node.new" "$dir/bin/node"
fi
[ -d node_modules/webgpu ] || unpack "$dir/node_modules.tar.xz" | tar -xf -
# A loader beside the system's libraries, where these have none.
if ! ldconfig -p 2>/dev/null | grep -q libvulkan.so.1; then
  for deb in "$dir"/libvulkan1*.deb; do
    [ -e "$deb" ] && dpkg-deb -x "$deb" "$dir/loader"
  done
  export LD_LIBRARY_PATH="$dir/loader/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# Containers have NVIDIA's driver in a folder where the loader does not look.
nvidia=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -z "${VK_DRIVER_FILES:-}" ] && [ -e "$nvidia" ]; then export VK_DRIVER_FILES=$nvidia; fi
export PATH="$dir/bin:$PWD/node_modules/.bin:$PATH"
exec "$@"
