// dx = dloss · (softmax(x) - target).
struct Params {
  rows: u32,
  columns: u32,
  smoothing: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> label: array<u32>;     // (rows)
@group(0) @binding(3) var<storage, read> dloss: array<f32>;     // (rows)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn cross_entropy_backward(
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
  let scale = 1.0 / exp_sum_of_row(first, end, largest, lane);

  let gradient = select(dloss[row], 0.0, label[row] == IGNORED);
  for (var i = first + lane; i < end; i += LANES) {
    let share = target_share(i - first, label[row]);
    dx[i] = gradient * (exp(x[i] - largest) * scale - share);
  }
}
