// Gradients of means over ranges of tokens: each token of a range gets its share. One invocation an element.
struct Params {
  batches: u32,
  tokens: u32,
  columns: u32,
  ranges: u32,  // one or two
  first: u32,
  count: u32,
  second: u32,  // where the other range begins, and how long it is
  second_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // (batches, ranges · columns)
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // (batches, tokens, columns)

@compute @workgroup_size(64)
fn token_means_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.tokens * params.columns) {
    return;
  }
  let column = i % params.columns;
  let token = (i / params.columns) % params.tokens;
  let at = (i / (params.columns * params.tokens)) * params.ranges * params.columns + column;
  var sum = 0.0;
  // Before a range the difference wraps round to a large number.
  if (token - params.first < params.count) {
    sum = dy[at] / f32(params.count);
  }
  if (params.ranges == 2u && token - params.second < params.second_count) {
    sum += dy[at + params.columns] / f32(params.second_count);
  }
  dx[i] = sum;
}
