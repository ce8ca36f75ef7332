// The gradient of the scores by distance, for GPUs. A workgroup goes down a diagonal of tiles of 32
// queries and 32 keys of one head: a place in the tile is of one distance all the way.

@group(0) @binding(8) var<storage, read_write> dscores: array<f32>;  // (batches, heads, diagonals, 64)

@compute @workgroup_size(64)
fn attention_backward_bias_tile(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.queries + 31u) / 32u;
  let key_tiles = (params.keys + 31u) / 32u;
  let diagonals = row_tiles + key_tiles - 1u;
  let index = workgroup_index(id, count);
  if (index >= params.batches * params.heads * diagonals) {
    return;
  }
  let diagonal = index % diagonals;
  let head = index / diagonals % params.heads;
  let batch = index / diagonals / params.heads;
  let tx = local % 8u;
  let ty = local / 8u;

  var totals = Block();
  var row_tile = row_tiles - 1u - min(diagonal, row_tiles - 1u);
  var key_tile = diagonal - min(diagonal, row_tiles - 1u);
  // Where CAUSAL, tiles above the main diagonal see nothing.
  let end = select(row_tiles, 0u, CAUSAL && key_tile > row_tile);
  while (row_tile < end && key_tile < key_tiles) {
    let dp = products(SLOPES, VALUES, batch, head, 32u * row_tile, 32u * key_tile, local);
    let scores = products(QUERIES, KEYS, batch, head, 32u * row_tile, 32u * key_tile, local);
    let rows = 32u * row_tile + ty + EIGHTS;
    let keys = 32u * key_tile + tx + EIGHTS;
    let of_rows = sums_of(batch, rows, head);
    let present = are_keys(batch, keys);
    for (var i = 0u; i < 4u; i += 1u) {
      let both = present & vec4<bool>(rows[i] < params.queries);
      let of_row = Sums(vec4f(of_rows.lse[i]), vec4f(of_rows.delta[i]));
      totals[i] += pairs_of(
        scores[i], dp[i], of_row, both, batch, head, vec4u(rows[i]), keys).dscores;
    }
    row_tile += 1u;
    key_tile += 1u;
  }

  for (var i = 0u; i < 4u; i += 1u) {
    put_left(ty + 8u * i, tx, totals[i]);
  }
  workgroupBarrier();
  // A thread a distance: key - query, from -31 on. The last one has none.
  var sum = 0.0;
  for (var row = 0u; row < 32u; row += 1u) {
    let key = row + local - 31u;  // below 0 it is large
    if (key < 32u) {
      sum += left[row * STRIDE + key];
    }
  }
  dscores[64u * index + local] = sum;
}
