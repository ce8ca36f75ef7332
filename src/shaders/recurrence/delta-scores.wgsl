// How the tokens of a chunk see those before them: β k·kᵀ, without themselves, and q·kᵀ, with themselves, by
// what stays from one to the other. One invocation a token of a head.
struct Params {
  rows: u32,       // batches · heads · chunks · CHUNK
  tokens: u32,
  heads: u32,
  key_heads: u32,
  key_size: u32,
  chunks: u32,
  first: u32,      // token of the first chunk
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qk: array<f32>;            // (…, tokens, 2, key_heads, key_size)
@group(0) @binding(2) var<storage, read> gates: array<f32>;         // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;  // (…, chunks, 2, CHUNK, CHUNK)

@compute @workgroup_size(64)
fn delta_scores(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = 64u * workgroup_index(id, count) + local;
  if (row >= params.rows) {
    return;
  }
  let block = row / CHUNK;
  let i = row % CHUNK;
  let batch = block / params.chunks / params.heads;
  let head = block / params.chunks % params.heads;
  let begin = params.first + block % params.chunks * CHUNK;
  let key_width = params.key_heads * params.key_size;
  let column = head / (params.heads / params.key_heads) * params.key_size;
  let base = (batch * params.tokens + begin) * 2u * key_width + column;
  let own = base + i * 2u * key_width;
  let to_keys = (2u * block * CHUNK + i) * CHUNK;
  let to_queries = to_keys + CHUNK * CHUNK;
  for (var m = 0u; m < CHUNK; m++) {
    var by_key = 0.0;
    var by_query = 0.0;
    if (m <= i && begin + i < params.tokens) {
      let key = base + m * 2u * key_width + key_width;
      for (var c = 0u; c < params.key_size; c++) {
        by_query += qk[own + c] * qk[key + c];
        by_key += qk[own + key_width + c] * qk[key + c];
      }
      let stays = exp(gates[2u * block * CHUNK + i] - gates[2u * block * CHUNK + m]);
      by_query *= stays;
      by_key *= stays * gates[(2u * block + 1u) * CHUNK + i];
    }
    scores[to_keys + m] = select(by_key, 0.0, m == i);
    scores[to_queries + m] = by_query;
  }
}
