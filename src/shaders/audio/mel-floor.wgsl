// Logarithms that lie no further than 8 below the largest of their sound, then (x + 4) / 4. One invocation a
// number.
struct Params {
  size: u32,
  row: u32,  // numbers of a sound
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (sounds, bands, frames)
@group(0) @binding(2) var<storage, read> peaks: array<f32>;    // (sounds)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (sounds, bands, frames)

@compute @workgroup_size(64)
fn mel_floor(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  y[i] = (max(x[i], peaks[i / params.row] - 8.0) + 4.0) / 4.0;
}
