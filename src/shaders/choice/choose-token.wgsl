// The column of the largest value of each row, the first one on a tie; 0 where all are hidden. With
// noise it is a draw from softmax(x) in the rows that draw.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (rows, columns)
@group(0) @binding(2) var<storage, read> flags: array<u32>;        // (sets, columns)
@group(0) @binding(3) var<storage, read> rules: array<u32>;        // (rows, words)
@group(0) @binding(4) var<storage, read> place: array<u32>;        // (rows, 2): position, place
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
  var flag_set = 0u;
  var draws = false;
  var stream = vec3u();
  if (HAS_FLAGS) {
    rule = rule_at(row, place[2u * row + 1u] + 1u);
    flag_set = rule_word(row, FLAG_SET) * params.columns;
  }
  if (HAS_NOISE) {
    draws = rule_word(row, DRAWS) == 1u;
    stream = vec3u(rule_word(row, SEED), place[2u * row + 1u], rule_word(row, STREAM));
  }

  var best = LOWEST;
  var best_column = params.columns;
  for (var column = lane; column < params.columns; column += LANES) {
    var value = x[first + column];
    if (HAS_FLAGS) {
      value = ruled(value, flags[flag_set + column], rule);
    }
    if (value > LOWEST) {
      if (HAS_NOISE && draws) {
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
