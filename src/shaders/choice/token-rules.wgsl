// Applies the rules that go by token and length, then divides by the temperature, in place.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> flags: array<u32>;    // (sets, columns)
@group(0) @binding(2) var<storage, read> rules: array<u32>;    // (rows, words)
@group(0) @binding(3) var<storage, read> place: array<u32>;    // (rows, 2): position, place
@group(0) @binding(4) var<storage, read_write> x: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn token_rules(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.columns) {
    return;
  }
  var value = x[i];
  let row = i / params.columns;
  if (HAS_FLAGS) {
    let flag = flags[rule_word(row, FLAG_SET) * params.columns + i % params.columns];
    value = ruled(value, flag, rule_at(row, place[2u * row + 1u] + 1u));
  }
  if (HAS_TEMPERATURE && value > LOWEST) {
    value /= rule_number(row, TEMPERATURE);
  }
  x[i] = value;
}
