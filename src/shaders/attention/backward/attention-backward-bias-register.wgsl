// The gradient of the scores by distance, for CPU adapters. An invocation goes down a diagonal of tiles
// of 4 queries and 4 keys of one head: a place in the tile is of one distance all the way.

@group(0) @binding(8) var<storage, read_write> dscores: array<f32>;  // (batches, heads, diagonals, 8)

@compute @workgroup_size(16)
fn attention_backward_bias_register(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 3u) / 4u;
  let key_tiles = (params.keys + 3u) / 4u;
  let diagonals = row_tiles + key_tiles - 1u;
  let index = 16u * workgroup_index(id, count) + local;
  if (index >= params.batches * params.heads * diagonals) {
    return;
  }
  let diagonal = index % diagonals;
  let head = index / diagonals % params.heads;
  let batch = index / diagonals / params.heads;

  var totals = mat4x4f();  // a row a query and a column a key
  var row_tile = row_tiles - 1u - min(diagonal, row_tiles - 1u);
  var key_tile = diagonal - min(diagonal, row_tiles - 1u);
  // Where CAUSAL, tiles above the main diagonal see nothing.
  let end = select(row_tiles, 0u, CAUSAL && key_tile > row_tile);
  while (row_tile < end && key_tile < key_tiles) {
    let rows = 4u * row_tile + FOUR;
    let keys = 4u * key_tile + FOUR;
    let q0 = q4_index(batch, rows, head);
    let k0 = k4_index(batch, keys, head);
    let v0 = v4_index(batch, keys, head);
    let y0 = y4_index(batch, rows, head);
    var scores = mat4x4f();
    var dp = mat4x4f();
    for (var c = 0u; c < params.head_size; c += 1u) {
      scores += outer(q4_at(q0 + c), kv4_at(k0 + c));
      dp += outer(dy4_at(y0 + c), kv4_at(v0 + c));
    }
    let of_rows = sums_of(batch, rows, head);
    let present = are_keys(batch, keys);
    for (var j = 0u; j < 4u; j += 1u) {
      let both = vec4<bool>(present[j]) & (rows < vec4u(params.queries));
      totals[j] += pairs_of(
        scores[j], dp[j], of_rows, both, batch, head, rows, vec4u(keys[j])).dscores;
    }
    row_tile += 1u;
    key_tile += 1u;
  }

  // By distance, key - query, from -3 on. The last one has none.
  let at = 8u * index;
  dscores[at] = totals[0].w;
  dscores[at + 1u] = totals[0].z + totals[1].w;
  dscores[at + 2u] = totals[0].y + totals[1].z + totals[2].w;
  dscores[at + 3u] = totals[0].x + totals[1].y + totals[2].z + totals[3].w;
  dscores[at + 4u] = totals[1].x + totals[2].y + totals[3].z;
  dscores[at + 5u] = totals[2].x + totals[3].y;
  dscores[at + 6u] = totals[3].x;
  dscores[at + 7u] = 0.0;
}
