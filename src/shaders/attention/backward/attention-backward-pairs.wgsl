// What every pair of a query and a key has for the gradients, of attention that compares them with relative
// positions, too. An invocation takes one query and four keys of one head.

// (batches, heads, queries, keys): p · keep, ds
@group(0) @binding(8) var<storage, read_write> pairs: array<vec2f>;

@compute @workgroup_size(64)
fn attention_backward_pairs(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let fours = (params.keys + 3u) / 4u;
  let index = 64u * workgroup_index(id, count) + local;
  let line = index / fours;  // (batches, heads, queries), linear
  if (line >= params.batches * params.heads * params.queries) {
    return;
  }
  let row = line % params.queries;
  let head = line / params.queries % params.heads;
  let batch = line / params.queries / params.heads;
  let keys = 4u * (index % fours) + vec4u(0u, 1u, 2u, 3u);
  let q0 = q_index(batch, row, head);
  let y0 = y_index(batch, row, head);
  let k0 = vec4u(
    k_index(batch, keys.x, head), k_index(batch, keys.y, head),
    k_index(batch, keys.z, head), k_index(batch, keys.w, head));
  let v0 = vec4u(
    v_index(batch, keys.x, head), v_index(batch, keys.y, head),
    v_index(batch, keys.z, head), v_index(batch, keys.w, head));
  let p0 = vec4u(
    position_index(head, row, keys.x), position_index(head, row, keys.y),
    position_index(head, row, keys.z), position_index(head, row, keys.w));
  var products = vec4f();
  var dp = vec4f();
  for (var c = 0u; c < params.head_size; c += 1u) {
    let k = k0 + c;
    let v = v0 + c;
    let key = vec4f(kv[k.x], kv[k.y], kv[k.z], kv[k.w]);
    var to_query = key;
    if (C2P) {
      let p = p0 + to_key() + c;
      to_query += vec4f(bias[p.x], bias[p.y], bias[p.z], bias[p.w]);
    }
    products += q[q0 + c] * to_query;
    if (P2C) {
      let p = p0 + c;
      products += key * vec4f(bias[p.x], bias[p.y], bias[p.z], bias[p.w]);
    }
    dp += dy[y0 + c] * vec4f(kv[v.x], kv[v.y], kv[v.z], kv[v.w]);
  }
  let of_rows = sums_of(batch, vec4u(row), head);
  let found = pairs_of(
    products, dp, of_rows, are_keys(batch, keys), batch, head, vec4u(row), keys);
  for (var j = 0u; j < 4u && keys.x + j < params.keys; j += 1u) {
    pairs[line * params.keys + keys.x + j] = vec2f(found.weights[j], found.ds[j]);
  }
}
