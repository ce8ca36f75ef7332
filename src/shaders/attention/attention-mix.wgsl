// What attention weights that somebody has changed make of the values: y = weights · v for every head, one
// invocation an element. Neighbouring heads share one of v, `group` of them.
struct Params {
  size: u32,  // of y
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  v_pitch: u32,
  v_start: u32,
  group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;  // (batches, heads, queries, keys)
@group(0) @binding(2) var<storage, read> v: array<f32>;        // (batches, keys, v_pitch)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // (batches, queries, heads · head_size)

@compute @workgroup_size(64)
fn attention_mix(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let column = i % params.head_size;
  let head = i / params.head_size % params.heads;
  let token = i / params.head_size / params.heads;  // (batches, queries), linear
  let batch = token / params.queries;
  let row = ((batch * params.heads + head) * params.queries + token % params.queries) * params.keys;
  let begin = params.v_start + head / params.group * params.head_size + column;
  var sum = 0.0;
  for (var key = 0u; key < params.keys; key += 1u) {
    sum += weights[row + key] * v[(batch * params.keys + key) * params.v_pitch + begin];
  }
  y[i] = sum;
}
