// The gradients of queries and keys of unit length, by all the heads that share them: through the scores, the
// terms of the scan, and the right sides of W. One invocation an element.
struct Params {
  batches: u32,
  tokens: u32,
  heads: u32,
  key_heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,   // token of the first chunk
  own: u32,     // tokens of all chunks
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qk: array<f32>;          // (batches, tokens, 2, key_heads, key_size)
@group(0) @binding(2) var<storage, read> gates: array<f32>;       // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(3) var<storage, read> d_terms: array<f32>;     // (…, chunks, 3, key_size, CHUNK)
@group(0) @binding(4) var<storage, read> d_right: array<f32>;     // (…, value_size + key_size, CHUNK)
@group(0) @binding(5) var<storage, read> d_scores: array<f32>;    // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(6) var<storage, read_write> d_qk: array<f32>;  // (batches, tokens, 2, key_heads, key_size)

@compute @workgroup_size(64)
fn gated_delta_backward_keys(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let width = params.key_heads * params.key_size;
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.batches * params.own * 2u * width) {
    return;
  }
  let column = index % width;
  let is_key = index / width % 2u == 1u;
  let within = index / width / 2u % params.own;
  let batch = index / width / 2u / params.own;
  let i = within % CHUNK;
  let chunk = within / CHUNK;
  let begin = params.first + chunk * CHUNK;
  let end = min(CHUNK, params.tokens - begin);
  let query = (batch * params.tokens + begin) * 2u * width + column;
  let key = query + width;
  let c = column % params.key_size;
  let sharing = params.heads / params.key_heads;
  var slope = 0.0;
  for (var one = 0u; one < sharing; one++) {
    let head = column / params.key_size * sharing + one;
    let block = (batch * params.heads + head) * params.chunks + chunk;
    let stays = 2u * block * CHUNK;
    let rates = stays + CHUNK;
    let terms = (3u * block * params.key_size + c) * CHUNK + i;
    let by_key = 2u * block * CHUNK * CHUNK;
    let by_query = by_key + CHUNK * CHUNK;
    let own = gates[stays + i];
    if (!is_key) {
      slope += exp(own) * d_terms[terms + params.key_size * CHUNK];
      for (var m = 0u; m <= i; m++) {
        let seen = d_scores[by_query + i * CHUNK + m] * exp(own - gates[stays + m]);
        slope += seen * qk[key + m * 2u * width];
      }
      continue;
    }
    let right = (block * (params.value_size + params.key_size) + params.value_size + c) * CHUNK + i;
    slope += gates[rates + i] * exp(own) * d_right[right];
    let left = exp(gates[stays + CHUNK - 1u] - own);
    slope += left * d_terms[terms + 2u * params.key_size * CHUNK];
    for (var m = 0u; m < i; m++) {
      let seen = d_scores[by_key + i * CHUNK + m] * exp(own - gates[stays + m]);
      slope += gates[rates + i] * seen * qk[key + m * 2u * width];
    }
    for (var m = i; m < end; m++) {
      let gap = exp(gates[stays + m] - own);
      let of_keys = gates[rates + m] * d_scores[by_key + m * CHUNK + i] * qk[key + m * 2u * width];
      let of_queries = d_scores[by_query + m * CHUNK + i] * qk[query + m * 2u * width];
      slope += gap * (of_keys + of_queries);
    }
  }
  d_qk[query + select(0u, width, is_key) + i * 2u * width] = slope;
}
