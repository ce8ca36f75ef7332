// y = (s - mean) / sqrt(variance + eps) · (offset + weight) + bias along each row, s = x + residual: layer
// norm when CENTRED (Ba et al., arXiv 1607.06450). Else RMS norm (Zhang & Sennrich, arXiv 1910.07467, eq. 4):
// nothing is taken off, and there is no bias. Two passes: the variance is taken about the mean.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;          // (rows, columns)
@group(0) @binding(2) var<storage, read> residual: array<Element>;   // (rows, columns)
@group(0) @binding(3) var<storage, read> weight: array<Element>;     // (columns)
@group(0) @binding(4) var<storage, read> bias: array<Element>;       // (columns)
@group(0) @binding(5) var<storage, read_write> sum: array<Element>;  // (rows, columns)
@group(0) @binding(6) var<storage, read_write> y: array<Element>;    // (rows, columns)

// The first pass takes s from here. With a residual it is written to `sum`; the other passes take it
// from there, where each lane reads back only what it wrote itself.
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
fn norm(
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
  let size = f32(params.columns);

  var squares = Element();
  var mean = 0.0;
  if (CENTRED) {
    var total = Element();
    for (var i = first + lane; i < end; i += LANES) {
      total += entered(i);
    }
    mean = sum_over_row(sum_of(total), lane) / size;
    for (var i = first + lane; i < end; i += LANES) {
      let centred = summed(i) - mean;
      squares += centred * centred;
    }
  } else {
    for (var i = first + lane; i < end; i += LANES) {
      let s = entered(i);
      squares += s * s;
    }
  }
  let scale = inverseSqrt(sum_over_row(sum_of(squares), lane) / size + params.eps);

  for (var i = first + lane; i < end; i += LANES) {
    if (CENTRED) {
      y[i] = (summed(i) - mean) * scale * weight[i - first] + bias[i - first];
    } else {
      y[i] = summed(i) * scale * (params.offset + weight[i - first]);
    }
  }
}
