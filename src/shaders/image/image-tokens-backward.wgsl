// Gradients of what the tokens of images are made of: of rows that stand in several images, their sum.
// Row r of every `period` rows comes from token r, or r + shift from row `skip` on.
struct Params {
  rows: u32,
  columns: u32,
  period: u32,
  skip: u32,
  shift: u32,
  tokens: u32,
  images: u32,  // how many are added up for each row
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;       // (images, tokens, columns)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // (rows, columns)

@compute @workgroup_size(64)
fn image_tokens_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows * params.columns) {
    return;
  }
  let row = (i / params.columns) % params.period;
  let image = i / (params.columns * params.period);
  let token = select(row + params.shift, row, row < params.skip);
  var at = (image * params.tokens + token) * params.columns + i % params.columns;
  var sum = 0.0;
  for (var n = 0u; n < params.images; n += 1u) {
    sum += dy[at];
    at += params.tokens * params.columns;
  }
  dx[i] = sum;
}
