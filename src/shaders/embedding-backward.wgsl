// dtable[id] = scale · Σ dy of the tokens with that id, as a gather: one invocation an element of
// the table, which looks through all tokens in order.
struct Params {
  tokens: u32,
  columns: u32,
  vocabulary: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;           // (tokens)
@group(0) @binding(2) var<storage, read> dy: array<f32>;            // (tokens, columns)
@group(0) @binding(3) var<storage, read_write> dtable: array<f32>;  // (vocabulary, columns)

@compute @workgroup_size(64)
fn embedding_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.vocabulary * params.columns) {
    return;
  }
  let word = i / params.columns;
  let column = i % params.columns;
  var sum = 0.0;
  for (var token = 0u; token < params.tokens; token += 1u) {
    if (ids[token] == word) {
      sum += dy[token * params.columns + column];
    }
  }
  dtable[i] = sum * params.scale;
}
