// The log-probability of the token that each row has chosen, among those that were open to it, without the
// temperature that they were drawn at.
struct Params {
  rows: u32,
  columns: u32,
  span: u32,  // numbers of a row of `y`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read> tokens: array<u32>;   // (rows)
@group(0) @binding(3) var<storage, read> rules: array<u32>;    // (rows, words)
@group(0) @binding(4) var<storage, read> place: array<u32>;    // (rows, 2): position, place
@group(0) @binding(5) var<storage, read_write> y: array<f32>;  // (rows, span): by the token's place % span

@compute @workgroup_size(GROUP)
fn token_log_probs(
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
  let temperature = rule_number(row, TEMPERATURE);
  var largest = LOWEST;
  for (var i = first + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  let best = max_over_row(largest, lane);
  var total = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    total += select(exp((x[i] - best) * temperature), 0.0, x[i] <= LOWEST);
  }
  let sum = sum_over_row(total, lane);
  if (lane == 0u) {
    let next = place[2u * row + 1u] + 1u;
    let chosen = x[first + min(tokens[row], params.columns - 1u)];
    y[row * params.span + next % params.span] = (chosen - best) * temperature - log(sum);
  }
}
