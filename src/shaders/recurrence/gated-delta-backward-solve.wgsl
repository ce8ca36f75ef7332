// The gradients of the right sides that delta-solve solved, by back substitution: Tᵀ dU of βV, and Tᵀ dW of
// β exp(G) K, T = (I + tril(β K Kᵀ))⁻¹; and from the first that of V. One invocation a column of U, or of W.
struct Params {
  blocks: u32,   // batches · heads · chunks
  tokens: u32,
  heads: u32,
  key_size: u32,
  value_size: u32,
  chunks: u32,
  first: u32,    // token of the first chunk
  pitch: u32,    // of a token of x
  column: u32,   // of x, where its values begin
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gates: array<f32>;          // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(2) var<storage, read> scores: array<f32>;         // (…, chunks, 2, CHUNK, CHUNK)
@group(0) @binding(3) var<storage, read> d_values: array<f32>;       // (…, chunks, CHUNK, value_size)
@group(0) @binding(4) var<storage, read> d_terms: array<f32>;        // (…, chunks, 3, key_size, CHUNK)
@group(0) @binding(5) var<storage, read_write> d_right: array<f32>;  // (…, value_size + key_size, CHUNK)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;       // (batches, tokens, pitch)

@compute @workgroup_size(64)
fn gated_delta_backward_solve(
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
  let is_value = c < params.value_size;
  let group = block / params.chunks;
  let begin = params.first + block % params.chunks * CHUNK;
  let row = group / params.heads * params.tokens + begin;
  let to = params.column + group % params.heads * params.value_size + c;
  var solved: array<f32, CHUNK>;
  for (var back = 1u; back <= CHUNK; back++) {
    let i = CHUNK - back;
    var slope = 0.0;
    if (is_value) {
      slope = d_values[(block * CHUNK + i) * params.value_size + c];
    } else {
      slope = d_terms[(3u * block * params.key_size + c - params.value_size) * CHUNK + i];
    }
    for (var m = i + 1u; m < CHUNK; m++) {
      slope -= scores[(2u * block * CHUNK + m) * CHUNK + i] * solved[m];
    }
    solved[i] = slope;
    d_right[index * CHUNK + i] = slope;
    if (is_value && begin + i < params.tokens) {
      dx[(row + i) * params.pitch + to] = gates[(2u * block + 1u) * CHUNK + i] * slope;
    }
  }
}
