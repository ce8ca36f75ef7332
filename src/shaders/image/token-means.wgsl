// Means over one or two ranges of the tokens of each sequence, side by side, one invocation an element.
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
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (batches, tokens, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (batches, ranges · columns)

@compute @workgroup_size(64)
fn token_means(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.batches * params.ranges * params.columns) {
    return;
  }
  let row = i / params.columns;
  let is_second = row % params.ranges == 1u;
  let first = select(params.first, params.second, is_second);
  let length = select(params.count, params.second_count, is_second);
  var at = ((row / params.ranges) * params.tokens + first) * params.columns + i % params.columns;
  var sum = 0.0;
  for (var token = 0u; token < length; token += 1u) {
    sum += x[at];
    at += params.columns;
  }
  y[i] = sum / f32(length);
}
