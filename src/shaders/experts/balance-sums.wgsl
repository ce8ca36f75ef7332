// For each expert how many tokens chose it, and the sum of its probabilities, over tokens that are no
// padding: f and P of Switch Transformers (arXiv 2101.03961, §2.2, eq. 5 and 6) before they are divided, +
// those of the layers before. What row-*.wgsl says of a row is said of an expert here.
struct Params {
  rows: u32,
  experts: u32,
  chosen: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;  // (rows, experts)
@group(0) @binding(2) var<storage, read> experts: array<u32>;        // (rows, chosen)
@group(0) @binding(3) var<storage, read> mask: array<u32>;           // (rows), 0 = padding
@group(0) @binding(4) var<storage, read> before: array<f32>;         // (2, experts)
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;     // (2, experts)

@compute @workgroup_size(GROUP)
fn balance_sums(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let expert = row_of(workgroup_index(id, count), local);
  if (expert >= params.experts) {
    return;
  }
  var tokens = 0.0;
  var sum = 0.0;
  for (var row = lane; row < params.rows; row += LANES) {
    if (mask[row] != 0u) {
      sum += probabilities[row * params.experts + expert];
      for (var slot = row * params.chosen; slot < (row + 1u) * params.chosen; slot += 1u) {
        tokens += select(0.0, 1.0, experts[slot] == expert);
      }
    }
  }
  tokens = sum_over_row(tokens, lane);
  sum = sum_over_row(sum, lane);
  if (lane == 0u) {
    if (HAS_BEFORE) {
      tokens += before[expert];
      sum += before[params.experts + expert];
    }
    sums[expert] = tokens;
    sums[params.experts + expert] = sum;
  }
}
