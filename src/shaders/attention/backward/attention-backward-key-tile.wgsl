// The half of the keys for GPUs: dk = Σ ds · q and dv = Σ p · keep · do. A workgroup owns 32 keys of one
// head and takes them through blocks of 32 queries, of one head that shares them after the other.

@group(0) @binding(8) var<storage, read_write> dkv: array<f32>;  // (batches, keys, kv_pitch): dk and dv

@compute @workgroup_size(64)
fn attention_backward_key_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let key_tiles = (params.keys + 31u) / 32u;
  let tile = workgroup_index(id, count);
  let key_heads = params.heads / params.group;
  if (tile >= params.batches * key_heads * key_tiles) {
    return;
  }
  let first_key = 32u * (tile % key_tiles);
  let first_head = tile / key_tiles % key_heads * params.group;
  let batch = tile / key_tiles / key_heads;
  let tx = local % 8u;
  let ty = local / 8u;
  let keys = first_key + ty + EIGHTS;
  let present = are_keys(batch, keys);

  var dk: array<Block, CHUNKS>;
  var dv: array<Block, CHUNKS>;
  let begin = row_begin(first_key);
  let blocks = (row_end(first_key + 32u) - begin + 31u) / 32u;
  for (var step = 0u; step < params.group * blocks; step += 1u) {
    let head = first_head + step / blocks;
    let start = begin + step % blocks * 32u;
    // Rows are keys, columns queries.
    let dp = products(VALUES, SLOPES, batch, head, first_key, start, local);
    let with_queries = products(KEYS, QUERIES, batch, head, first_key, start, local);

    let rows = start + tx + EIGHTS;
    let exist = rows < vec4u(params.queries);
    let of_rows = sums_of(batch, rows, head);
    var weights = Block();
    for (var i = 0u; i < 4u; i += 1u) {
      let key = vec4u(keys[i]);
      let both = exist & vec4<bool>(present[i]);
      let pairs = pairs_of(with_queries[i], dp[i], of_rows, both, batch, head, rows, key);
      put_left(ty + 8u * i, tx, pairs.ds);
      weights[i] = pairs.weights;
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      // A head of one piece stands in `right` already.
      if (CHUNKS > 1u) {
        fill_right(QUERIES, batch, head, start, chunk, local);
        workgroupBarrier();
      }
      dk[chunk] = plus_product(dk[chunk], tx, ty);
      workgroupBarrier();
    }

    for (var i = 0u; i < 4u; i += 1u) {
      put_left(ty + 8u * i, tx, weights[i]);
    }
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      fill_right(SLOPES, batch, head, start, chunk, local);
      workgroupBarrier();
      dv[chunk] = plus_product(dv[chunk], tx, ty);
      workgroupBarrier();
    }
  }

  for (var i = 0u; i < 4u; i += 1u) {
    if (keys[i] >= params.keys) {
      continue;
    }
    let k = k_index(batch, keys[i], first_head);
    let v = v_index(batch, keys[i], first_head);
    for (var chunk = 0u; chunk < CHUNKS; chunk += 1u) {
      for (var j = 0u; j < 4u; j += 1u) {
        let column = 32u * chunk + tx + 8u * j;
        if (column < params.head_size) {
          dkv[k + column] = dk[chunk][i][j];
          dkv[v + column] = dv[chunk][i][j];
        }
      }
    }
  }
}
