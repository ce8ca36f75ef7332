// Gradients of y = x · r / s along each row, r = √(mean like²), s = √max(mean x², least): with
// a = mean(dy · x), dx = dy · r / s - x · a · r / s³, whose second term is 0 where s is the least, and
// d_like = like · a / (r · s).
struct Params {
  rows: u32,
  columns: u32,
  least: f32,
}

// Below it a magnitude has no direction in which it grows.
const TINY = 1e-30;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // (rows, columns)
@group(0) @binding(2) var<storage, read> like: array<f32>;          // (rows, columns)
@group(0) @binding(3) var<storage, read> dy: array<f32>;            // (rows, columns)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;      // (rows, columns)
@group(0) @binding(5) var<storage, read_write> d_like: array<f32>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn match_magnitude_backward(
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
  let size = f32(params.columns);
  var own = 0.0;
  var wanted = 0.0;
  var products = 0.0;
  for (var i = first + lane; i < end; i += LANES) {
    own += x[i] * x[i];
    wanted += like[i] * like[i];
    products += dy[i] * x[i];
  }
  let mean = sum_over_row(own, lane) / size;
  let r = sqrt(sum_over_row(wanted, lane) / size);
  let along = sum_over_row(products, lane) / size;
  let inverse = inverseSqrt(max(mean, params.least));
  var pull = 0.0;
  if (mean > params.least) {
    pull = along * inverse * inverse;
  }
  let growth = select(along * inverse / max(r, TINY), 0.0, r < TINY);
  for (var i = first + lane; i < end; i += LANES) {
    dx[i] = r * inverse * (dy[i] - x[i] * pull);
    d_like[i] = like[i] * growth;
  }
}
