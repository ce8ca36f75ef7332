// What stays of a state from the beginning of a chunk to each of its tokens, as a logarithm, and how much of
// each token is learned: all stays, and nothing is learned, where there is no token. One invocation a chunk
// of a head.
struct Params {
  batches: u32,
  tokens: u32,
  capacity: u32,
  heads: u32,
  chunks: u32,
  first: u32,   // token of the first chunk
  pitch: u32,   // of a token of x
  column: u32,  // of x, where the gates of its heads begin
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // (batches, tokens, pitch)
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // (2, heads)
@group(0) @binding(3) var<storage, read> place: array<u32>;        // (batches, tokens, 2)
@group(0) @binding(4) var<storage, read_write> gates: array<f32>;  // (batches, heads, chunks, 2, CHUNK)

@compute @workgroup_size(64)
fn delta_gates(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let block = 64u * workgroup_index(id, count) + local;
  if (block >= params.batches * params.heads * params.chunks) {
    return;
  }
  let batch = block / params.chunks / params.heads;
  let head = block / params.chunks % params.heads;
  let begin = params.first + block % params.chunks * CHUNK;
  var total = 0.0;
  for (var i = 0u; i < CHUNK; i++) {
    let row = batch * params.tokens + begin + i;
    var rate = 0.0;
    if (begin + i < params.tokens && (!CACHED || place[2u * row + 1u] < params.capacity)) {
      let at = row * params.pitch + params.column + head;
      rate = rate_of(x[at]);
      total += log_decay(x[at + params.heads], head);
    }
    gates[2u * block * CHUNK + i] = total;
    gates[(2u * block + 1u) * CHUNK + i] = rate;
  }
}
