// energy = Σ (W + scale · delta)² over the columns of each row, W from row `first` on.
struct Params {
  rows: u32,
  columns: u32,
  pitch: u32,
  first: u32,
  scale: f32,  // α / r
}

@group(0) @binding(0) var<uniform> params: Params;
// @binding(1) weight: W, with rows of `pitch`
@group(0) @binding(2) var<storage, read> delta: array<f32>;         // (rows, columns)
@group(0) @binding(3) var<storage, read_write> energy: array<f32>;  // (rows)

@compute @workgroup_size(GROUP)
fn row_energy(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  var sum = 0.0;
  for (var column = lane; column < params.columns; column += LANES) {
    let own = weight_at((params.first + row) * params.pitch + column);
    let value = own + params.scale * delta[row * params.columns + column];
    sum += value * value;
  }
  sum = sum_over_row(sum, lane);
  if (lane == 0u) {
    energy[row] = sum;
  }
}
