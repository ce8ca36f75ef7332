// dx = dloss · (softmax(x) - target), where the target spreads `smoothing` over all columns and puts
// the rest on the label; rows labelled IGNORED (-100) get 0.
struct Params {
  rows: u32,
  columns: u32,
  smoothing: f32,
}

const IGNORED = 0xffffff9cu;  // -100 as a two's complement word

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

  var largest = LOWEST;
  for (var i = first + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = max_over_row(largest, lane);
  var total = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    total += exp(x[i] - largest);
  }
  let scale = 1.0 / sum_over_row(total, lane);

  let gradient = select(dloss[row], 0.0, label[row] == IGNORED);
  let spread = params.smoothing / f32(params.columns);
  for (var i = first + lane; i < end; i += LANES) {
    let on_label = select(0.0, 1.0 - params.smoothing, i - first == label[row]);
    dx[i] = gradient * (exp(x[i] - largest) * scale - on_label - spread);
  }
}
