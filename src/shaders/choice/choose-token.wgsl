// The column of the largest value of each row, the first one on a tie; 0 where all are hidden. With
// noise it is a draw from softmax(x).
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (rows, columns)
@group(0) @binding(2) var<storage, read> flags: array<u32>;        // (columns)
@group(0) @binding(3) var<storage, read> rules: array<u32>;        // (words)
@group(0) @binding(4) var<storage, read> place: array<u32>;        // (rows, 2): position, slot
@group(0) @binding(5) var<storage, read_write> index: array<u32>;  // (rows)

@compute @workgroup_size(GROUP)
fn choose_token(
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
  var rule = Rule();
  var stream = vec3u();
  if (HAS_FLAGS) {
    rule = rule_at(place[2u * row + 1u] + 1u);
  }
  if (HAS_NOISE) {
    stream = vec3u(rules[SEED], place[2u * row + 1u], row);
  }

  var best = LOWEST;
  var best_column = params.columns;
  for (var column = lane; column < params.columns; column += LANES) {
    var value = x[first + column];
    if (HAS_FLAGS) {
      value = ruled(value, flags[column], rule);
    }
    if (value > LOWEST) {
      if (HAS_NOISE) {
        value += gumbel(stream, column);
      }
      if (value > best || best_column == params.columns) {
        best = value;
        best_column = column;
      }
    }
  }
  let largest = max_over_row(best, lane);
  let candidate = select(params.columns, best_column, best == largest);
  let winner = min_index_over_row(candidate, lane);
  if (lane == 0u) {
    index[row] = select(winner, 0u, winner >= params.columns);
  }
}
