// The gradient of the weights of a short convolution, dw = Σ ds · u, summed over each chunk of tokens. One
// invocation a weight and a chunk.
struct Params {
  rows: u32,      // tokens of all sequences
  tokens: u32,    // of a sequence
  channels: u32,
  pitch: u32,     // of a token of x
  size: u32,      // tokens that are seen
  chunk: u32,     // tokens of a chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, pitch)
@group(0) @binding(2) var<storage, read> ds: array<f32>;        // (rows, channels)
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;  // (rows / chunk, channels, size)

@compute @workgroup_size(64)
fn short_convolution_backward_weight(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let weights = params.channels * params.size;
  let first = i / weights * params.chunk;
  if (first >= params.rows) {
    return;
  }
  let channel = i % weights / params.size;
  let back = params.size - 1u - i % params.size;
  var sum = 0.0;
  for (var row = first; row < min(first + params.chunk, params.rows); row++) {
    if (back <= row % params.tokens) {
      sum += ds[row * params.channels + channel] * input_of(row - back, channel);
    }
  }
  dw[i] = sum;
}
