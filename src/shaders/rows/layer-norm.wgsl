// y = (s - mean) / sqrt(variance + eps) · weight + bias along each row, s = x + residual.
// Layer Normalization, Ba et al., arXiv 1607.06450. Two passes: the variance is taken about the
// mean. With a residual, s is written to `sum`; each lane reads back only what it wrote itself.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;          // (rows, columns)
@group(0) @binding(2) var<storage, read> residual: array<Element>;   // (rows, columns)
@group(0) @binding(3) var<storage, read> weight: array<Element>;     // (columns)
@group(0) @binding(4) var<storage, read> bias: array<Element>;       // (columns)
@group(0) @binding(5) var<storage, read_write> sum: array<Element>;  // (rows, columns)
@group(0) @binding(6) var<storage, read_write> y: array<Element>;    // (rows, columns)

// The first pass reads s here, the others read it from `summed`.
fn entered(i: u32) -> Element {
  if (HAS_RESIDUAL) {
    let value = x[i] + residual[i];
    sum[i] = value;
    return value;
  }
  return x[i];
}

fn summed(i: u32) -> Element {
  if (HAS_RESIDUAL) {
    return sum[i];
  }
  return x[i];
}

@compute @workgroup_size(GROUP)
fn layer_norm(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let columns = params.columns / WIDTH;
  let first = row * columns;
  let end = first + columns;

  var total = Element();
  for (var i = first + lane; i < end; i += LANES) {
    total += entered(i);
  }
  let mean = sum_over_row(sum_of(total), lane) / f32(params.columns);

  var squares = Element();
  for (var i = first + lane; i < end; i += LANES) {
    let centred = summed(i) - mean;
    squares += centred * centred;
  }
  let variance = sum_over_row(sum_of(squares), lane) / f32(params.columns);
  let scale = inverseSqrt(variance + params.eps);

  for (var i = first + lane; i < end; i += LANES) {
    y[i] = (summed(i) - mean) * scale * weight[i - first] + bias[i - first];
  }
}
