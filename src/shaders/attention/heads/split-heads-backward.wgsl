// The gradient of heads that were taken apart, see split-heads: turned back by their positions, then
// through the norm. With n = x · r, r = 1 / root mean square, and g = offset + weight, an entry n · g
// whose gradient is e gives dx = r · (e · g - n · mean(e · g · n)), and dn = e · n, whose sums are
// dweight. A row is what one mean is of: a head of a token, or where WIDE_NORM all of its heads of a
// kind. Values have no weights, and a norm where VALUE_NORM. Where KEYS_ARE_VALUES, heads of keys get
// what comes back to those of values, too.

@group(0) @binding(1) var<storage, read> projections: array<f32>;  // (B, T, columns · head_size)
@group(0) @binding(2) var<storage, read> place: array<vec2u>;      // (B, T): position, place in a table
@group(0) @binding(3) var<storage, read> turns: array<vec2u>;      // (pairs), see `rotation`
@group(0) @binding(4) var<storage, read> weight: array<f32>;       // see split-heads
@group(0) @binding(5) var<storage, read> dy: array<f32>;           // (B, T, all heads · head_size)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;     // (B, T, columns · head_size)
@group(0) @binding(7) var<storage, read_write> dn: array<f32>;     // see `gain_place`

// The heads of a row, of `count` elements: where they begin in x and in dy, and where their weights do.
struct Row {
  token: u32,
  kind: u32,
  index: u32,
  x: u32,
  y: u32,
  gain: u32,
  count: u32,
}

fn row_at(row: u32) -> Row {
  let all_heads = params.heads + 2u * params.key_heads;
  let size = params.head_size;
  if (WIDE_NORM) {
    let kind = row % 3u;
    let count = select(params.key_heads, params.heads, kind == QUERY) * size;
    let at = (row / 3u * all_heads + first_of(kind)) * size;
    return Row(row / 3u, kind, 0u, at, at, first_of(kind) * size, count);
  }
  let token = row / all_heads;
  let number = row % all_heads;
  let kind = kind_of(number);
  let index = select(number - first_of(kind), number / 3u, INTERLEAVED);
  let to = (token * all_heads + first_of(kind) + index) * size;
  let missing = select(0u, params.key_heads, KEYS_ARE_VALUES);
  let at = (token * (all_heads - missing) + number) * size;
  return Row(token, kind, index, at, to, kind * size, size);
}

// The gradient of entry i of a row, as it was before it was turned.
fn turned_back(row: Row, i: u32) -> f32 {
  let own = dy[row.y + i];
  let column = i % params.head_size;
  if (!HAS_ROTARY || row.kind == VALUE || column >= 2u * params.pairs) {
    return own;
  }
  let of_neighbours = params.pair_gap == 1u;
  let pair = select(column % params.pairs, column / 2u, of_neighbours);
  let is_second = column != pair_start(pair);
  let turned = params.rotary_scale * rotation(turns[pair], place[row.token].x);
  if (is_second) {
    return own * turned.x - dy[row.y + i - params.pair_gap] * turned.y;
  }
  return own * turned.x + dy[row.y + i + params.pair_gap] * turned.y;
}

// The gradient of entry i of the head of values that a row of keys is, too; 0 for others.
fn as_value(row: Row, i: u32) -> f32 {
  if (KEYS_ARE_VALUES && row.kind == KEY) {
    return dy[row.y + params.key_heads * params.head_size + i];
  }
  return 0.0;
}

// What entry i of a row was multiplied with, behind its norm.
fn gain_of(row: Row, i: u32) -> f32 {
  if (row.kind == VALUE) {
    return 1.0;
  }
  return params.offset + weight[row.gain + i];
}

// Where the part of dn goes that the weight of entry i gets: (B, T, heads, 2, head_size), of queries and of
// keys, or if WIDE_NORM (B, T, heads + key_heads, head_size). Heads without a key have 0 in its place.
fn gain_place(row: Row, i: u32) -> u32 {
  if (WIDE_NORM) {
    return row.token * (params.heads + params.key_heads) * params.head_size + row.gain + i;
  }
  return ((row.token * params.heads + row.index) * 2u + row.kind) * params.head_size + i;
}

@compute @workgroup_size(GROUP)
fn split_heads_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let number = row_of(workgroup_index(id, count), local);
  if (number >= params.rows) {
    return;
  }
  let row = row_at(number);
  if (KEYS_ARE_VALUES && row.kind == VALUE) {
    return;
  }
  let sharp = select(1.0, sharpness(row.token), row.kind == QUERY);
  if (!HAS_NORM || (row.kind == VALUE && !VALUE_NORM)) {
    for (var i = lane; i < row.count; i += LANES) {
      dx[row.x + i] = sharp * turned_back(row, i) + as_value(row, i);
    }
    return;
  }

  var squares = 0.0;
  var products = 0.0;
  for (var i = lane; i < row.count; i += LANES) {
    let x = projections[row.x + i];
    squares += x * x;
    products += sharp * turned_back(row, i) * gain_of(row, i) * x;
    if (VALUE_NORM) {
      products += as_value(row, i) * x;
    }
  }
  let size = f32(row.count);
  let r = inverseSqrt(sum_over_row(squares, lane) / size + params.eps);
  let mean = r * sum_over_row(products, lane) / size;
  for (var i = lane; i < row.count; i += LANES) {
    let e = sharp * turned_back(row, i);
    let n = projections[row.x + i] * r;
    let slope = r * (e * gain_of(row, i) - n * mean);
    dx[row.x + i] = slope + select(1.0, r, VALUE_NORM) * as_value(row, i);
    if (row.kind == VALUE) {
      continue;
    }
    dn[gain_place(row, i)] = e * n;
    if (!WIDE_NORM && row.kind == QUERY && row.index >= params.key_heads) {
      dn[gain_place(row, i) + params.head_size] = 0.0;
    }
  }
}
