// The half of the queries for CPU adapters: dq = Σ ds · k over the keys. An invocation takes 4 queries
// of one head through blocks of 8 keys; the gradient accumulates in dq itself. Matrices hold a row a
// query and a column a key.

@group(0) @binding(8) var<storage, read_write> dq: array<f32>;  // (batches, queries, q_pitch)

@compute @workgroup_size(16)
fn attention_backward_query_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 3u) / 4u;
  let tile = 16u * workgroup_index(id, count) + local;
  if (tile >= params.batches * params.heads * row_tiles) {
    return;
  }
  let rows = 4u * (tile % row_tiles) + FOUR;
  let head = tile / row_tiles % params.heads;
  let batch = tile / row_tiles / params.heads;
  let q0 = q4_index(batch, rows, head);
  let y0 = y4_index(batch, rows, head);

  let begin = key_begin(rows.x);
  let end = key_end(rows.w + 1u);
  for (var start = begin; start < end; start += 8u) {
    let keys_a = start + FOUR;
    let keys_b = keys_a + 4u;
    let ka = k4_index(batch, keys_a, head);
    let kb = k4_index(batch, keys_b, head);
    let va = v4_index(batch, keys_a, head);
    let vb = v4_index(batch, keys_b, head);
    var products_a = mat4x4f();
    var products_b = mat4x4f();
    var dp_a = mat4x4f();
    var dp_b = mat4x4f();
    for (var c = 0u; c < params.head_size; c += 1u) {
      let queries = q4_at(q0 + c);
      products_a += outer(queries, kv4_at(ka + c));
      products_b += outer(queries, kv4_at(kb + c));
      let slopes = dy4_at(y0 + c);
      dp_a += outer(slopes, kv4_at(va + c));
      dp_b += outer(slopes, kv4_at(vb + c));
    }
    let ds_a = ds_of(products_a, dp_a, batch, head, rows, keys_a);
    let ds_b = ds_of(products_b, dp_b, batch, head, rows, keys_b);
    for (var c = 0u; c < params.head_size; c += 1u) {
      let at = q0 + c;
      var slope = ds_a * kv4_at(ka + c) + ds_b * kv4_at(kb + c);
      if (start > begin) {
        slope += vec4f(dq[at.x], dq[at.y], dq[at.z], dq[at.w]);
      }
      dq[at.x] = slope.x;
      if (rows.y < params.queries) {
        dq[at.y] = slope.y;
      }
      if (rows.z < params.queries) {
        dq[at.z] = slope.z;
      }
      if (rows.w < params.queries) {
        dq[at.w] = slope.w;
      }
    }
  }
}

fn ds_of(
  products: mat4x4f, dp: mat4x4f, batch: u32, head: u32, rows: vec4u, keys: vec4u,
) -> mat4x4f {
  let of_rows = sums_of(batch, rows, head);
  let present = are_keys(batch, keys);
  var ds = mat4x4f();
  for (var j = 0u; j < 4u; j += 1u) {
    let key = vec4u(keys[j]);
    let seen = vec4<bool>(present[j]);
    ds[j] = pairs_of(products[j], dp[j], of_rows, seen, batch, head, rows, key).ds;
  }
  return ds;
}
