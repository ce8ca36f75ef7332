// Gradients of pixels: each takes that of its place in the patch it lies in, 0 beyond the last whole patch.
// One invocation a pixel.
struct Params {
  images: u32,
  channels: u32,
  height: u32,
  width: u32,
  patch_height: u32,
  patch_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // (images · patches, channels · size)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // (images, channels, height, width)

@compute @workgroup_size(64)
fn patches_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.images * params.channels * params.height * params.width) {
    return;
  }
  let column = i % params.width;
  let row = (i / params.width) % params.height;
  let plane = i / (params.width * params.height);
  let across = params.width / params.patch_width;
  let down = params.height / params.patch_height;
  let patch_column = column / params.patch_width;
  let patch_row = row / params.patch_height;
  if (patch_column >= across || patch_row >= down) {
    dx[i] = 0.0;
    return;
  }
  let own = ((plane / params.channels) * down + patch_row) * across + patch_column;
  let line = (plane % params.channels) * params.patch_height + row % params.patch_height;
  let columns = params.channels * params.patch_height * params.patch_width;
  dx[i] = dy[own * columns + line * params.patch_width + column % params.patch_width];
}
