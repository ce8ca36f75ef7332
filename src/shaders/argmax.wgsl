// The column of the largest value of each row, the first one on a tie. Columns whose `suppressed`
// flag is set are passed over; if all are, the answer is column 0.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (rows, columns)
@group(0) @binding(2) var<storage, read> suppressed: array<u32>;   // (columns)
@group(0) @binding(3) var<storage, read_write> index: array<u32>;  // (rows)

@compute @workgroup_size(GROUP)
fn argmax(
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

  var best = LOWEST;
  var best_column = params.columns;
  for (var column = lane; column < params.columns; column += LANES) {
    let value = x[first + column];
    var allowed = true;
    if (HAS_SUPPRESSED) {
      allowed = suppressed[column] == 0u;
    }
    if (allowed && (value > best || best_column == params.columns)) {
      best = value;
      best_column = column;
    }
  }
  let largest = max_over_row(best, lane);
  let candidate = select(params.columns, best_column, best == largest);
  let winner = min_index_over_row(candidate, lane);
  if (lane == 0u) {
    index[row] = select(winner, 0u, winner >= params.columns);
  }
}
