// The gradient of what a short convolution reads: each token gathers from itself and those that see it,
// du = Σ w · ds; where GATED, both factors of u get their part of it. What it does not read has 0. One
// invocation an element of x, but for gates, which have theirs already.
struct Params {
  rows: u32,      // tokens of all sequences
  tokens: u32,    // of a sequence
  channels: u32,
  pitch: u32,     // of a token of x
  size: u32,      // tokens that are seen
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, pitch)
@group(0) @binding(2) var<storage, read> weight: array<f32>;    // (channels, size)
@group(0) @binding(3) var<storage, read> ds: array<f32>;        // (rows, channels)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;  // (rows, pitch)

@compute @workgroup_size(64)
fn short_convolution_backward_input(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.pitch) {
    return;
  }
  let row = i / params.pitch;
  let part = i % params.pitch / params.channels;
  let channel = i % params.pitch % params.channels;
  if (GATED && part == 1u) {
    return;
  }
  if (part > select(0u, 2u, GATED)) {
    dx[i] = 0.0;
    return;
  }
  let own = channel * params.size + params.size - 1u;
  var sum = 0.0;
  for (var ahead = 0u; ahead < min(params.size, params.tokens - row % params.tokens); ahead++) {
    sum += weight[own - ahead] * ds[(row + ahead) * params.channels + channel];
  }
  if (GATED) {
    sum *= x[row * params.pitch + (2u - part) * params.channels + channel];
  }
  dx[i] = sum;
}
