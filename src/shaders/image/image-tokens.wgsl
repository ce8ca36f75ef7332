// The tokens of images: their patches, between tokens that all have in common, with the vectors of their
// positions. One invocation an element.
struct Params {
  images: u32,
  tokens: u32,
  columns: u32,
  prefix: u32,  // tokens before the patches
  behind: u32,  // tokens behind them
  placed: u32,  // how many of these have a position
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> patches: array<f32>;    // (images, patches, columns)
@group(0) @binding(2) var<storage, read> around: array<f32>;     // (prefix + behind, columns)
@group(0) @binding(3) var<storage, read> positions: array<f32>;  // (tokens - prefix + placed, columns)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;    // (images, tokens, columns)

@compute @workgroup_size(64)
fn image_tokens(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.images * params.tokens * params.columns) {
    return;
  }
  let column = i % params.columns;
  let token = (i / params.columns) % params.tokens;
  let image = i / (params.columns * params.tokens);
  let patch_count = params.tokens - params.prefix - params.behind;
  var sum = 0.0;
  if (token < params.prefix) {
    sum = around[token * params.columns + column];
  } else if (token < params.prefix + patch_count) {
    let row = image * patch_count + token - params.prefix;
    sum = patches[row * params.columns + column];
  } else {
    sum = around[(token - patch_count) * params.columns + column];
  }
  if (token < params.placed) {
    sum += positions[token * params.columns + column];
  } else if (token >= params.prefix) {
    sum += positions[(token - params.prefix + params.placed) * params.columns + column];
  }
  y[i] = sum;
}
