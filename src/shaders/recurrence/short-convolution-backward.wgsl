// The gradient of what a short convolution sums up, before its activation and its gate: ds = dy · C · a′(s),
// s being computed again. Where GATED, also that of the gate, dC = dy · a(s). One invocation an element.
struct Params {
  rows: u32,      // tokens of all sequences
  tokens: u32,    // of a sequence
  channels: u32,
  pitch: u32,     // of a token of x
  size: u32,      // tokens that are seen
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // (rows, pitch)
@group(0) @binding(2) var<storage, read> weight: array<f32>;     // (channels, size)
@group(0) @binding(3) var<storage, read> bias: array<f32>;       // (channels)
@group(0) @binding(4) var<storage, read> dy: array<f32>;         // (rows, channels)
@group(0) @binding(5) var<storage, read_write> ds: array<f32>;   // (rows, channels)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;   // (rows, pitch)

@compute @workgroup_size(64)
fn short_convolution_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.channels) {
    return;
  }
  let row = i / params.channels;
  let channel = i % params.channels;
  var sum = 0.0;
  if (HAS_BIAS) {
    sum = bias[channel];
  }
  let own = channel * params.size + params.size - 1u;
  for (var back = 0u; back < min(params.size, row % params.tokens + 1u); back++) {
    sum += weight[own - back] * input_of(row - back, channel);
  }
  var slope = dy[i] * derivative(sum);
  if (GATED) {
    let gate = row * params.pitch + params.channels + channel;
    slope *= x[gate];
    dx[gate] = dy[i] * activate(sum);
  }
  ds[i] = slope;
}
