// Gradients of layer norm along each row, with g = dy · weight and n = (s - mean) · rstd:
// dx = rstd · (g - mean(g) - n · mean(g · n)), and dn = dy · n, whose column sums are dweight.
// Mean and variance are computed again from s, as in the forward pass.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<Element>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> weight: array<Element>;    // (columns)
@group(0) @binding(3) var<storage, read> dy: array<Element>;        // (rows, columns)
@group(0) @binding(4) var<storage, read_write> dx: array<Element>;  // (rows, columns)
@group(0) @binding(5) var<storage, read_write> dn: array<Element>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn layer_norm_backward(
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

  var total = Element();
  for (var i = first + lane; i < end; i += LANES) {
    total += s[i];
  }
  let mean = sum_over_row(sum_of(total), lane) / size;
  var squares = Element();
  for (var i = first + lane; i < end; i += LANES) {
    let centred = s[i] - mean;
    squares += centred * centred;
  }
  let rstd = inverseSqrt(sum_over_row(sum_of(squares), lane) / size + params.eps);

  var sum_g = Element();
  var sum_gn = Element();
  for (var i = first + lane; i < end; i += LANES) {
    let n = (s[i] - mean) * rstd;
    let g = dy[i] * weight[i - first];
    sum_g += g;
    sum_gn += g * n;
  }
  let mean_g = sum_over_row(sum_of(sum_g), lane) / size;
  let mean_gn = sum_over_row(sum_of(sum_gn), lane) / size;
  for (var i = first + lane; i < end; i += LANES) {
    let n = (s[i] - mean) * rstd;
    dx[i] = rstd * (dy[i] * weight[i - first] - mean_g - n * mean_gn);
    dn[i] = dy[i] * n;
  }
}
