// factor · N · Σ f · P, of Switch Transformers (arXiv 2101.03961, §2.2, eq. 4): f and P are the sums divided
// by the tokens of all layers that are no padding; and what stands before sums then. One row, see row-*.wgsl.
struct Params {
  rows: u32,
  experts: u32,
  layers: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;          // (2, experts), see balance-sums
@group(0) @binding(2) var<storage, read> mask: array<u32>;          // (rows), 0 = padding
@group(0) @binding(3) var<storage, read_write> y: array<f32>;       // (1)
@group(0) @binding(4) var<storage, read_write> factor: array<f32>;  // (1)

@compute @workgroup_size(GROUP)
fn balance_loss(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  if (row_of(workgroup_index(id, count), local) > 0u) {
    return;
  }
  var tokens = 0.0;
  for (var row = lane; row < params.rows; row += LANES) {
    tokens += select(0.0, 1.0, mask[row] != 0u);
  }
  var sum = 0.0;
  for (var expert = lane; expert < params.experts; expert += LANES) {
    sum += sums[expert] * sums[params.experts + expert];
  }
  let all = f32(params.layers) * max(sum_over_row(tokens, lane), 1.0);
  sum = sum_over_row(sum, lane);
  if (lane == 0u) {
    let scale = params.factor * f32(params.experts) / (all * all);
    factor[0] = scale;
    y[0] = scale * sum;
  }
}
