// Applies the rules that go by token and length, then divides by the temperature, in place.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> flags: array<u32>;    // (columns)
@group(0) @binding(2) var<storage, read> rules: array<u32>;    // (words)
@group(0) @binding(3) var<storage, read> place: array<u32>;    // (rows, 2): position, slot
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
  if (HAS_FLAGS) {
    value = ruled(value, flags[i % params.columns], rule_at(place[2u * (i / params.columns) + 1u] + 1u));
  }
  if (HAS_TEMPERATURE && value > LOWEST) {
    value /= f32_rule(TEMPERATURE);
  }
  x[i] = value;
}
