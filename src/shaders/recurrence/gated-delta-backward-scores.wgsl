// The gradients of the scores of a chunk: of those of keys, -(Tᵀ dU Uᵀ + Tᵀ dW Wᵀ) below the diagonal,
// and of those of queries, dy V'ᵀ up to it. One invocation a pair of tokens.
struct Params {
  size: u32,    // batches · heads · chunks · CHUNK · CHUNK
  tokens: u32,
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,   // token of the first chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<f32>;           // see delta-solve
@group(0) @binding(2) var<storage, read> values: array<f32>;          // (…, chunks, CHUNK, value_size)
@group(0) @binding(3) var<storage, read> dy: array<f32>;              // (batches, tokens, heads, value_size)
@group(0) @binding(4) var<storage, read> d_right: array<f32>;         // (…, value_size + key_size, CHUNK)
@group(0) @binding(5) var<storage, read_write> d_scores: array<f32>;  // (…, chunks, 2, CHUNK, CHUNK)

@compute @workgroup_size(64)
fn gated_delta_backward_scores(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.size) {
    return;
  }
  let m = index % CHUNK;
  let i = index / CHUNK % CHUNK;
  let block = index / CHUNK / CHUNK;
  let group = block / params.chunks;
  let token = params.first + block % params.chunks * CHUNK + i;
  let columns = params.value_size + params.key_size;
  var by_key = 0.0;
  var by_query = 0.0;
  if (token < params.tokens && m <= i) {
    let row = group / params.heads * params.tokens + token;
    let own = (row * params.heads + group % params.heads) * params.value_size;
    let other = (block * CHUNK + m) * params.value_size;
    for (var c = 0u; c < params.value_size; c++) {
      by_query += dy[own + c] * values[other + c];
    }
    let rows = block * (params.value_size + 3u * params.key_size) * CHUNK;
    for (var c = 0u; c < columns; c++) {
      by_key -= d_right[(block * columns + c) * CHUNK + i] * terms[rows + c * CHUNK + m];
    }
  }
  let to = (2u * block * CHUNK + i) * CHUNK + m;
  d_scores[to] = select(by_key, 0.0, m == i);
  d_scores[to + CHUNK * CHUNK] = by_query;
}
