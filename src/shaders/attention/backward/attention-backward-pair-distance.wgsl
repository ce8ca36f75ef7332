// The gradient of what relative positions are to a head, by distance: Σ ds · k over the pairs that lie so
// far apart for what they are as queries (P2C), Σ ds · q for what they are as keys (C2P). The first and
// the last distance stand for all beyond. One invocation an element.
struct Params {
  batches: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  head_size: u32,
  q_pitch: u32,
  q_start: u32,
  kv_pitch: u32,
  k_start: u32,
  reach: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pairs: array<vec2f>;      // (batches, heads, queries, keys): …, ds
@group(0) @binding(2) var<storage, read> q: array<f32>;            // (batches, queries, q_pitch)
@group(0) @binding(3) var<storage, read> kv: array<f32>;           // (batches, keys, kv_pitch)
// (2 · reach + 1, TABLES, heads · head_size)
@group(0) @binding(4) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(64)
fn attention_backward_pair_distance(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let width = params.heads * params.head_size;
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= (2u * params.reach + 1u) * TABLES * width) {
    return;
  }
  let column = index % width;
  let head = column / params.head_size;
  let table = index / width % TABLES;
  let place = index / width / TABLES;
  let as_query = P2C && table == 0u;
  let as_key = C2P && table == select(0u, 1u, TABLES > 1u);
  let distance = i32(place) - i32(params.reach);
  var sum = 0.0;
  for (var n = 0u; n < params.batches * params.queries && (as_query || as_key); n += 1u) {
    let query = n % params.queries;
    let batch = n / params.queries;
    // The keys that lie so far apart.
    var begin = i32(query) + distance;
    var end = begin + 1;
    if (place == 0u) {
      begin = 0;
    }
    if (place == 2u * params.reach) {
      end = i32(params.keys);
    }
    let line = (batch * params.heads + head) * params.queries + query;
    for (var key = max(begin, 0); key < min(end, i32(params.keys)); key += 1) {
      let ds = pairs[line * params.keys + u32(key)].y;
      if (as_query) {
        sum += ds * kv[(batch * params.keys + u32(key)) * params.kv_pitch + params.k_start + column];
      }
      if (as_key) {
        sum += ds * q[n * params.q_pitch + params.q_start + column];
      }
    }
  }
  dbias[index] = sum;
}
