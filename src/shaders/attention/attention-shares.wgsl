// The softmax of attention scores that somebody has changed, one invocation a query: a key that has the
// lowest score is not seen, and a query that sees none has only zeros.
struct Params {
  rows: u32,
  keys: u32,
  queries: u32,
  heads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;         // (rows, keys)
@group(0) @binding(2) var<storage, read> sinks: array<f32>;          // (heads): scores of keys without values
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;  // (rows, keys)

@compute @workgroup_size(64)
fn attention_shares(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = 64u * workgroup_index(id, count) + local;
  if (row >= params.rows) {
    return;
  }
  let first = row * params.keys;
  var sink = LOWEST;
  if (HAS_SINK) {
    sink = sinks[row / params.queries % params.heads];
  }
  var largest = sink;
  for (var key = 0u; key < params.keys; key += 1u) {
    largest = max(largest, scores[first + key]);
  }
  var sum = select(0.0, exp(sink - largest), HAS_SINK);
  for (var key = 0u; key < params.keys; key += 1u) {
    let score = scores[first + key];
    sum += select(0.0, exp(score - largest), score > LOWEST);
  }
  let scale = select(0.0, 1.0 / max(sum, 1.0e-37), sum > 0.0);
  for (var key = 0u; key < params.keys; key += 1u) {
    let score = scores[first + key];
    weights[first + key] = select(0.0, exp(score - largest) * scale, score > LOWEST);
  }
}
