// Gradients of a norm along each row, with n = (s - mean) · r, where r = 1 / sqrt(variance + eps), and
// g = dy · (offset + weight): dx = r · (g - mean(g) - n · mean(g · n)), and dn = dy · n, whose column sums
// are dweight. Unless CENTRED (RMS norm) there are no means of s and of g. What was computed in the
// forward pass is computed again from s.
struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<Element>;         // (rows, columns)
@group(0) @binding(2) var<storage, read> weight: array<Element>;    // (columns)
@group(0) @binding(3) var<storage, read> dy: array<Element>;        // (rows, columns)
@group(0) @binding(4) var<storage, read_write> dx: array<Element>;  // (rows, columns)
@group(0) @binding(5) var<storage, read_write> dn: array<Element>;  // (rows, columns)

@compute @workgroup_size(GROUP)
fn norm_backward(
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

  var mean = 0.0;
  if (CENTRED) {
    var total = Element();
    for (var i = first + lane; i < end; i += LANES) {
      total += s[i];
    }
    mean = sum_over_row(sum_of(total), lane) / size;
  }
  var squares = Element();
  var sum_g = Element();
  var products = Element();
  for (var i = first + lane; i < end; i += LANES) {
    let centred = s[i] - mean;
    let g = dy[i] * (params.offset + weight[i - first]);
    squares += centred * centred;
    sum_g += g;
    products += g * centred;
  }
  let r = inverseSqrt(sum_over_row(sum_of(squares), lane) / size + params.eps);
  var mean_g = 0.0;
  if (CENTRED) {
    mean_g = sum_over_row(sum_of(sum_g), lane) / size;
  }
  let mean_gn = r * sum_over_row(sum_of(products), lane) / size;
  for (var i = first + lane; i < end; i += LANES) {
    let n = (s[i] - mean) * r;
    dx[i] = r * (dy[i] * (params.offset + weight[i - first]) - mean_g - n * mean_gn);
    dn[i] = dy[i] * n;
  }
}
