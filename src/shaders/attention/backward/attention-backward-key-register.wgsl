// The half of the keys for CPU adapters: dk = Σ ds · q and dv = Σ p · keep · do over the queries of all
// heads that share them. An invocation takes 4 keys of one head through blocks of 8 queries; the gradients
// accumulate in dk and dv themselves. Matrices hold a row a key and a column a query.

@group(0) @binding(8) var<storage, read_write> dkv: array<f32>;  // (batches, keys, kv_pitch): dk and dv

@compute @workgroup_size(16)
fn attention_backward_key_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let key_tiles = (params.keys + 3u) / 4u;
  let tile = 16u * workgroup_index(id, count) + local;
  let key_heads = params.heads / params.group;
  if (tile >= params.batches * key_heads * key_tiles) {
    return;
  }
  let keys = 4u * (tile % key_tiles) + FOUR;
  let first_head = tile / key_tiles % key_heads * params.group;
  let batch = tile / key_tiles / key_heads;
  let k0 = k4_index(batch, keys, first_head);
  let v0 = v4_index(batch, keys, first_head);

  let begin = row_begin(keys.x);
  let blocks = (row_end(keys.w + 1u) - begin + 7u) / 8u;
  for (var step = 0u; step < params.group * blocks; step += 1u) {
    let head = first_head + step / blocks;
    let start = begin + step % blocks * 8u;
    let rows_a = start + FOUR;
    let rows_b = rows_a + 4u;
    let qa = q4_index(batch, rows_a, head);
    let qb = q4_index(batch, rows_b, head);
    let ya = y4_index(batch, rows_a, head);
    let yb = y4_index(batch, rows_b, head);
    var products_a = mat4x4f();
    var products_b = mat4x4f();
    var dp_a = mat4x4f();
    var dp_b = mat4x4f();
    for (var c = 0u; c < params.head_size; c += 1u) {
      let k = kv4_at(k0 + c);
      products_a += outer(k, q4_at(qa + c));
      products_b += outer(k, q4_at(qb + c));
      let v = kv4_at(v0 + c);
      dp_a += outer(v, dy4_at(ya + c));
      dp_b += outer(v, dy4_at(yb + c));
    }
    let a = parts_of(products_a, dp_a, batch, head, rows_a, keys);
    let b = parts_of(products_b, dp_b, batch, head, rows_b, keys);
    for (var c = 0u; c < params.head_size; c += 1u) {
      let k = k0 + c;
      let v = v0 + c;
      var dk = a.ds * q4_at(qa + c) + b.ds * q4_at(qb + c);
      var dv = a.weights * dy4_at(ya + c) + b.weights * dy4_at(yb + c);
      if (step > 0u) {
        dk += vec4f(dkv[k.x], dkv[k.y], dkv[k.z], dkv[k.w]);
        dv += vec4f(dkv[v.x], dkv[v.y], dkv[v.z], dkv[v.w]);
      }
      dkv[k.x] = dk.x;
      dkv[v.x] = dv.x;
      if (keys.y < params.keys) {
        dkv[k.y] = dk.y;
        dkv[v.y] = dv.y;
      }
      if (keys.z < params.keys) {
        dkv[k.z] = dk.z;
        dkv[v.z] = dv.z;
      }
      if (keys.w < params.keys) {
        dkv[k.w] = dk.w;
        dkv[v.w] = dv.w;
      }
    }
  }
}

struct Parts {
  weights: mat4x4f,  // p · keep
  ds: mat4x4f,
}

fn parts_of(
  products: mat4x4f, dp: mat4x4f, batch: u32, head: u32, rows: vec4u, keys: vec4u,
) -> Parts {
  let of_rows = sums_of(batch, rows, head);
  let present = are_keys(batch, keys);
  var parts = Parts();
  for (var j = 0u; j < 4u; j += 1u) {
    let row = vec4u(rows[j]);
    let both = present & vec4<bool>(rows[j] < params.queries);
    let own = Sums(vec4f(of_rows.lse[j]), vec4f(of_rows.delta[j]));
    let pairs = pairs_of(products[j], dp[j], own, both, batch, head, row, keys);
    parts.weights[j] = pairs.weights;
    parts.ds[j] = pairs.ds;
  }
  return parts;
}
