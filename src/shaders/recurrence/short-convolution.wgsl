// A convolution of each channel by itself over a token and those before it, y = activation(w ∗ x + b); what
// stands before a sequence is 0. Where GATED, a token has three parts, and y = C · (w ∗ (B · x) + b): LFM2's.
// Where CACHED, tokens go on from others; a single one joins them here. One invocation an element.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  places: u32,
  start: u32,
  kept: u32,   // of a sequence in the cache
  channels: u32,
  pitch: u32,  // of a token of x
  size: u32,   // tokens that are seen
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (batches, tokens, pitch)
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // (channels, size)
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // (channels)
@group(0) @binding(4) var<storage, read> place: array<u32>;        // (batches, tokens, 2)
@group(0) @binding(5) var<storage, read> table: array<u32>;        // see token-memory
// From `start` on (…, places, channels).
@group(0) @binding(6) var<storage, read_write> cache: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;      // (batches, tokens, channels)

// What is seen of the token so many places before the first of the list.
fn earlier(batch: u32, channel: u32, back: u32) -> f32 {
  if (!CACHED) {
    return 0.0;
  }
  let first = place_of(batch, 0u);
  if (back > first || first >= params.capacity) {
    return 0.0;
  }
  return cache[earlier_at(batch, first - back, params.channels) + channel];
}

@compute @workgroup_size(64)
fn short_convolution(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.tokens * params.channels) {
    return;
  }
  let row = i / params.channels;
  let channel = i % params.channels;
  let batch = row / params.tokens;
  let token = row % params.tokens;
  var sum = 0.0;
  if (HAS_BIAS) {
    sum = bias[channel];
  }
  for (var back = 0u; back < params.size; back++) {
    var value = 0.0;
    if (back <= token) {
      value = input_of(row - back, channel);
    } else {
      value = earlier(batch, channel, back - token);
    }
    sum += weight[channel * params.size + params.size - 1u - back] * value;
  }
  sum = activate(sum);
  if (GATED) {
    sum *= x[row * params.pitch + params.channels + channel];
  }
  y[i] = sum;
  if (CACHED && params.tokens == 1u) {
    let at = place_of(batch, 0u);
    if (at < params.capacity) {
      cache[own_at(batch, at, params.channels) + channel] = input_of(row, channel);
    }
  }
}
