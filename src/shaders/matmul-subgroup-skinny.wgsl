// x·Wᵀ with few rows, for CPU adapters with 4-lane subgroups. A subgroup computes 2 rows × 8
// columns; its lanes split the depth, two neighbours each, and add up at the end.

@compute @workgroup_size(4)
fn matmul_subgroup_skinny(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.rows + 1u) / 2u;
  let column_tiles = (params.columns + 7u) / 8u;
  let tile = workgroup_index(id, count);
  if (tile >= params.batches * row_tiles * column_tiles) {
    return;
  }
  let row = 2u * (tile % row_tiles);
  let column_tile = tile / row_tiles;
  let column = 8u * (column_tile % column_tiles);
  let batch = column_tile / column_tiles;

  let depth = params.depth;
  let last_row = params.rows - 1u;
  let x0 = (batch * params.rows + row) * depth;
  let x1 = (batch * params.rows + min(row + 1u, last_row)) * depth;
  let last = params.columns - 1u;
  let base = batch * params.weight_stride;
  let w0 = base + min(column, last) * params.pitch;
  let w1 = base + min(column + 1u, last) * params.pitch;
  let w2 = base + min(column + 2u, last) * params.pitch;
  let w3 = base + min(column + 3u, last) * params.pitch;
  let w4 = base + min(column + 4u, last) * params.pitch;
  let w5 = base + min(column + 5u, last) * params.pitch;
  let w6 = base + min(column + 6u, last) * params.pitch;
  let w7 = base + min(column + 7u, last) * params.pitch;

  var low0 = vec4f();   // row 0, columns 0 to 3
  var high0 = vec4f();  // row 0, columns 4 to 7
  var low1 = vec4f();
  var high1 = vec4f();
  for (var start = 0u; start < depth; start += 8u) {
    // Past the end, x counts as zero and W is read at a valid place.
    let k = start + 2u * lane;
    let inside = vec2<bool>(k < depth, k + 1u < depth);
    let at = select(0u, k, inside.x);
    let next = select(0u, k + 1u, inside.y);
    let a = select(vec2f(), vec2f(x[x0 + at], x[x0 + next]), inside);
    let b0 = weight2_at(w0 + at);
    let b1 = weight2_at(w1 + at);
    let b2 = weight2_at(w2 + at);
    let b3 = weight2_at(w3 + at);
    let b4 = weight2_at(w4 + at);
    let b5 = weight2_at(w5 + at);
    let b6 = weight2_at(w6 + at);
    let b7 = weight2_at(w7 + at);
    let even_low = vec4f(b0.x, b1.x, b2.x, b3.x);
    let odd_low = vec4f(b0.y, b1.y, b2.y, b3.y);
    let even_high = vec4f(b4.x, b5.x, b6.x, b7.x);
    let odd_high = vec4f(b4.y, b5.y, b6.y, b7.y);
    low0 = low0 + a.x * even_low + a.y * odd_low;
    high0 = high0 + a.x * even_high + a.y * odd_high;
    if (TWO_ROWS) {
      let c = select(vec2f(), vec2f(x[x1 + at], x[x1 + next]), inside);
      low1 = low1 + c.x * even_low + c.y * odd_low;
      high1 = high1 + c.x * even_high + c.y * odd_high;
    }
  }

  // Each lane finishes the two columns it is responsible for.
  let low = subgroupAdd(low0);
  let high = subgroupAdd(high0);
  store(batch, row, column + lane, pick(low, lane));
  store(batch, row, column + 4u + lane, pick(high, lane));
  if (TWO_ROWS) {
    let second_low = subgroupAdd(low1);
    let second_high = subgroupAdd(high1);
    store(batch, row + 1u, column + lane, pick(second_low, lane));
    store(batch, row + 1u, column + 4u + lane, pick(second_high, lane));
  }
}

fn pick(v: vec4f, lane: u32) -> f32 {
  return select(select(v.x, v.y, lane == 1u), select(v.z, v.w, lane == 3u), lane >= 2u);
}
