// dtable[id] = scale · Σ dy of the tokens with that id, as a gather: one invocation an element of the
// table's `vocabulary` rows from `first` on. It follows the chain of its word's tokens (embedding-links)
// from the last one on. The row `padding` of the whole table has none.
struct Params {
  tokens: u32,
  columns: u32,
  vocabulary: u32,
  first: u32,
  padding: u32,
  scale: f32,
}

const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> links: array<u32>;         // (tokens + all words)
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
  let column = i % params.columns;
  let word = params.first + i / params.columns;
  var sum = 0.0;
  var token = select(links[params.tokens + word], NONE, word == params.padding);
  while (token != NONE) {
    sum += dy[token * params.columns + column];
    token = links[token];
  }
  dtable[i] = sum * params.scale;
}
