// Samples at another rate: each is a sum of those around it, weighted by a windowed sinc. `up` samples of the
// result take as long as `down` of the signal, and then the weights repeat. One invocation a sample.
struct Params {
  count: u32,  // samples of the result
  up: u32,
  down: u32,
  taps: u32,   // weights of a sample
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (length)
@group(0) @binding(2) var<storage, read> starts: array<u32>;   // (up): the first sample that counts
@group(0) @binding(3) var<storage, read> weights: array<f32>;  // (up, taps)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (count)

@compute @workgroup_size(64)
fn sinc_resample(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.count) {
    return;
  }
  let phase = i % params.up;
  let start = (i / params.up) * params.down + starts[phase];
  var sum = 0.0;
  for (var tap = 0u; tap < params.taps; tap += 1u) {
    sum += x[start + tap] * weights[phase * params.taps + tap];
  }
  y[i] = sum;
}
