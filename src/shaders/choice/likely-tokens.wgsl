// How likely a model held the token that each row has chosen, and the tokens that it held likeliest instead,
// the lower one first on a tie.
struct Params {
  rows: u32,
  columns: u32,
  span: u32,  // steps that `ids` and `y` hold of a row
  top: u32,   // tokens that are listed
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // (rows, columns)
@group(0) @binding(2) var<storage, read> tokens: array<u32>;     // (rows)
@group(0) @binding(3) var<storage, read> place: array<u32>;      // (rows, 2): position, place
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;  // (rows, span, top): by place % span
@group(0) @binding(5) var<storage, read_write> y: array<f32>;    // (rows, span, 1 + top): its, theirs

@compute @workgroup_size(GROUP)
fn likely_tokens(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;
  let largest = largest_of_row(first, end, lane);
  let scale = log(exp_sum_of_row(first, end, largest, lane));

  let next = place[2u * row + 1u] + 1u;
  let step = row * params.span + next % params.span;
  let values = step * (1u + params.top);
  if (lane == 0u) {
    y[values] = x[first + min(tokens[row], params.columns - 1u)] - largest - scale;
  }
  var last = largest;
  var last_column = 0u;
  for (var rank = 0u; rank < params.top; rank++) {
    var best = LOWEST;
    var best_column = params.columns;
    for (var column = lane; column < params.columns; column += LANES) {
      let value = x[first + column];
      let is_left = rank == 0u || value < last || (value == last && column > last_column);
      if (is_left && (value > best || best_column == params.columns)) {
        best = value;
        best_column = column;
      }
    }
    last = max_over_row(best, lane);
    last_column = min_index_over_row(select(params.columns, best_column, best == last), lane);
    if (lane == 0u) {
      ids[step * params.top + rank] = last_column;
      y[values + 1u + rank] = last - largest - scale;
    }
  }
}
