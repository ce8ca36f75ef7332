// The gradients of what a token of a chunk has as gates: of G, what stays to it, but for the end of the
// chunk; of the number before the sigmoid that is β; and what comes back to the end by its key,
// exp(G_end - G) k. One invocation a token of a head.
struct Params {
  rows: u32,       // batches · heads · chunks · CHUNK
  tokens: u32,
  heads: u32,
  key_heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,      // token of the first chunk
  pitch: u32,      // of a token of x
  column: u32,     // of x, where its values begin
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qk: array<f32>;             // (…, tokens, 2, key_heads, key_size)
@group(0) @binding(2) var<storage, read> x: array<f32>;              // (batches, tokens, pitch)
@group(0) @binding(3) var<storage, read> gates: array<f32>;          // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(4) var<storage, read> scores: array<f32>;         // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(5) var<storage, read> d_terms: array<f32>;        // (…, chunks, 3, key_size, CHUNK)
@group(0) @binding(6) var<storage, read> d_right: array<f32>;        // (…, value_size + key_size, CHUNK)
@group(0) @binding(7) var<storage, read> d_scores: array<f32>;       // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(8) var<storage, read_write> d_gates: array<f32>;  // (…, chunks, 3, CHUNK)

@compute @workgroup_size(64)
fn gated_delta_backward_decays(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.rows) {
    return;
  }
  let block = index / CHUNK;
  let i = index % CHUNK;
  let group = block / params.chunks;
  let head = group % params.heads;
  let token = params.first + block % params.chunks * CHUNK + i;
  var stays = 0.0;
  var rate = 0.0;
  var end = 0.0;
  if (token < params.tokens) {
    let row = group / params.heads * params.tokens + token;
    let own = gates[2u * block * CHUNK + i];
    let learns = gates[(2u * block + 1u) * CHUNK + i];
    let width = params.key_heads * params.key_size;
    let query = row * 2u * width + head / (params.heads / params.key_heads) * params.key_size;
    let terms = 3u * block * params.key_size * CHUNK + i;
    let right = block * (params.value_size + params.key_size) * CHUNK + i;
    for (var c = 0u; c < params.key_size; c++) {
      let key = qk[query + width + c];
      let at = terms + c * CHUNK;
      let of_known = learns * exp(own) * key * d_right[right + (params.value_size + c) * CHUNK];
      rate += of_known;
      stays += of_known;
      stays += exp(own) * qk[query + c] * d_terms[at + params.key_size * CHUNK];
      end += key * d_terms[at + 2u * params.key_size * CHUNK];
    }
    end *= exp(gates[2u * block * CHUNK + CHUNK - 1u] - own);
    let value = row * params.pitch + params.column + head * params.value_size;
    for (var c = 0u; c < params.value_size; c++) {
      rate += learns * x[value + c] * d_right[right + c * CHUNK];
    }
    let by_key = 2u * block * CHUNK * CHUNK;
    let by_query = by_key + CHUNK * CHUNK;
    for (var m = 0u; m < CHUNK; m++) {
      // Of pairs in which it sees, and in which it is seen; of others the scores are 0.
      let sees = i * CHUNK + m;
      let is_seen = m * CHUNK + i;
      let of_keys = scores[by_key + sees] * d_scores[by_key + sees];
      rate += of_keys;
      stays += of_keys - scores[by_key + is_seen] * d_scores[by_key + is_seen];
      stays += scores[by_query + sees] * d_scores[by_query + sees];
      stays -= scores[by_query + is_seen] * d_scores[by_query + is_seen];
    }
    rate *= 1.0 - learns;
    stays -= end;
  }
  let to = 3u * block * CHUNK + i;
  d_gates[to] = stays;
  d_gates[to + CHUNK] = rate;
  d_gates[to + 2u * CHUNK] = end;
}
