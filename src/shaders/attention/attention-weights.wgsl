// The softmax weights of an attention, on request: exp(score - lse), one invocation an
// element. `lse` comes from the attention kernel, so both tell the same story. Or the SCORES themselves.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  k_pitch: u32,
  k_start: u32,
  group: u32,
  scale: f32,
  softcap: f32,
  window: u32,
  reach: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;              // (batches, queries, q_pitch)
@group(0) @binding(2) var<storage, read> k: array<f32>;              // (batches, keys, k_pitch)
@group(0) @binding(3) var<storage, read> key_mask: array<u32>;       // (batches, keys), 0 = padding
@group(0) @binding(4) var<storage, read> lse: array<f32>;            // (batches, heads, queries)
@group(0) @binding(5) var<storage, read> bias: array<f32>;           // see attention-score
@group(0) @binding(6) var<storage, read_write> weights: array<f32>;  // (batches, heads, queries, keys)

@compute @workgroup_size(64)
fn attention_weights(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.heads * params.queries * params.keys) {
    return;
  }
  let key = i % params.keys;
  let row = i / params.keys;  // (batches, heads, queries), linear
  let query = row % params.queries;
  let head = row / params.queries % params.heads;
  let batch = row / params.queries / params.heads;
  let seen = key_mask[batch * params.keys + key] != 0u && in_sight(vec4u(query), vec4u(key)).x;
  let q0 = (batch * params.queries + query) * params.q_pitch + params.q_start
    + head * params.head_size;
  let k0 = (batch * params.keys + key) * params.k_pitch + params.k_start
    + head / params.group * params.head_size;
  var product = 0.0;
  for (var c = 0u; c < params.head_size; c += 1u) {
    product += q[q0 + c] * k[k0 + c];
  }
  product = plus_position(product, q0, k0, head, query, key);
  let score = scores_of(vec4f(product), head, vec4u(query), vec4u(key)).x;
  let weight = exp(min(score - lse[row], 0.0));
  weights[i] = select(select(0.0, LOWEST, SCORES), select(weight, score, SCORES), seen);
}
