// The rows of a chunk that its scan goes by, each a column of a head for all tokens of the chunk:
// U = T · βV, what the tokens learn, and W = T · (β exp(G) K), what they learn less of the state before, by
// forward substitution, T = (I + tril(β K Kᵀ))⁻¹; then exp(G) Q and exp(G_end - G) K. One invocation a column
// of U, or of the others.
struct Params {
  blocks: u32,     // batches · heads · chunks
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
@group(0) @binding(1) var<storage, read> qk: array<f32>;      // (batches, tokens, 2, key_heads, key_size)
@group(0) @binding(2) var<storage, read> x: array<f32>;       // (batches, tokens, pitch)
@group(0) @binding(3) var<storage, read> gates: array<f32>;   // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(4) var<storage, read> scores: array<f32>;  // (…, chunks, 2, CHUNK, CHUNK)
// (…, chunks, value_size + 3 · key_size, CHUNK)
@group(0) @binding(5) var<storage, read_write> terms: array<f32>;

@compute @workgroup_size(64)
fn delta_solve(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = params.value_size + params.key_size;
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.blocks * columns) {
    return;
  }
  let block = index / columns;
  let c = index % columns;
  let batch = block / params.chunks / params.heads;
  let head = block / params.chunks % params.heads;
  let begin = params.first + block % params.chunks * CHUNK;
  let row = batch * params.tokens + begin;
  let is_value = c < params.value_size;
  let key_width = params.key_heads * params.key_size;
  let key_head = head / (params.heads / params.key_heads);
  let key_column = key_head * params.key_size + c - params.value_size;
  let stays = 2u * block * CHUNK;
  let to = block * (params.value_size + 3u * params.key_size) * CHUNK + c * CHUNK;
  var solved: array<f32, CHUNK>;
  for (var i = 0u; i < CHUNK; i++) {
    var value = 0.0;
    if (begin + i < params.tokens) {
      if (is_value) {
        value = x[(row + i) * params.pitch + params.column + head * params.value_size + c];
      } else {
        let at = (row + i) * 2u * key_width + key_column;
        let own = gates[stays + i];
        terms[to + params.key_size * CHUNK + i] = exp(own) * qk[at];
        terms[to + 2u * params.key_size * CHUNK + i] =
          exp(gates[stays + CHUNK - 1u] - own) * qk[at + key_width];
        value = exp(own) * qk[at + key_width];
      }
      value *= gates[stays + CHUNK + i];
    } else if (!is_value) {
      terms[to + params.key_size * CHUNK + i] = 0.0;
      terms[to + 2u * params.key_size * CHUNK + i] = 0.0;
    }
    let seen = (2u * block * CHUNK + i) * CHUNK;
    for (var m = 0u; m < i; m++) {
      value -= scores[seen + m] * solved[m];
    }
    solved[i] = value;
    terms[to + i] = value;
  }
}
