// y = (s - mean) / sqrt(variance + eps) · weight + bias along each row, s = x + residual.
// Layer Normalization, Ba et al., arXiv 1607.06450. Two passes: the variance is taken about the
// mean. With a residual, s is written to `sum`; each lane reads back only what it wrote itself.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> residual: array<f32>;  // (rows, columns)
@group(0) @binding(3) var<storage, read> weight: array<f32>;    // (columns)
@group(0) @binding(4) var<storage, read> bias: array<f32>;      // (columns)
@group(0) @binding(5) var<storage, read_write> sum: array<f32>; // (rows, columns)
@group(0) @binding(6) var<storage, read_write> y: array<f32>;   // (rows, columns)

// The first pass reads s here, the others read it from `summed`.
fn entered(i: u32) -> f32 {
  if (HAS_RESIDUAL) {
    let value = x[i] + residual[i];
    sum[i] = value;
    return value;
  }
  return x[i];
}

fn summed(i: u32) -> f32 {
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
  let first = row * params.columns;
  let end = first + params.columns;
  // Each pass takes four elements a lane as long as there are so many, then the rest singly.
  let rest = end - params.columns % (4u * LANES);

  var total4 = vec4f();
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    total4 += vec4f(
      entered(i), entered(i + LANES), entered(i + 2u * LANES), entered(i + 3u * LANES));
  }
  var total = dot(total4, vec4f(1.0));
  for (var i = rest + lane; i < end; i += LANES) {
    total += entered(i);
  }
  let mean = sum_over_row(total, lane) / f32(params.columns);

  var squares4 = vec4f();
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    let centred = vec4f(
      summed(i), summed(i + LANES), summed(i + 2u * LANES), summed(i + 3u * LANES)) - mean;
    squares4 += centred * centred;
  }
  var squares = dot(squares4, vec4f(1.0));
  for (var i = rest + lane; i < end; i += LANES) {
    let centred = summed(i) - mean;
    squares += centred * centred;
  }
  let variance = sum_over_row(squares, lane) / f32(params.columns);
  let scale = inverseSqrt(variance + params.eps);

  for (var i = first + lane; i < rest; i += 4u * LANES) {
    write(i, first, mean, scale);
    write(i + LANES, first, mean, scale);
    write(i + 2u * LANES, first, mean, scale);
    write(i + 3u * LANES, first, mean, scale);
  }
  for (var i = rest + lane; i < end; i += LANES) {
    write(i, first, mean, scale);
  }
}

fn write(i: u32, first: u32, mean: f32, scale: f32) {
  y[i] = (summed(i) - mean) * scale * weight[i - first] + bias[i - first];
}
