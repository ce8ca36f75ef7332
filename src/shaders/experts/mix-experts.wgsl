// What the experts of each token give, by their shares where they have some, and what is added to it. One
// invocation an element.
struct Params {
  rows: u32,
  chosen: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, chosen, columns)
@group(0) @binding(2) var<storage, read> shares: array<f32>;    // (rows, chosen)
@group(0) @binding(3) var<storage, read> residual: array<f32>;  // (rows, columns)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;   // (rows, columns)

@compute @workgroup_size(64)
fn mix_experts(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.columns) {
    return;
  }
  let first = i / params.columns * params.chosen;
  var sum = 0.0;
  for (var slot = first; slot < first + params.chosen; slot += 1u) {
    let share = select(1.0, shares[slot], HAS_SHARES);
    sum += share * x[slot * params.columns + i % params.columns];
  }
  if (HAS_RESIDUAL) {
    sum += residual[i];
  }
  y[i] = sum;
}
