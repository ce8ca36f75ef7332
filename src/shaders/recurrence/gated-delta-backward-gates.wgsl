// The gradients of what gates are made of, and for each token of the two weights of its heads, of the shift
// and of the factor: what a token forgets is forgotten up to all that are behind it in its chunk, and to the
// state behind that. Other columns of x have 0. One invocation an element of x.
struct Params {
  batches: u32,
  tokens: u32,
  heads: u32,
  key_size: u32,
  chunks: u32,
  first: u32,   // token of the first chunk
  own: u32,     // tokens of all chunks
  pitch: u32,   // of a token of x
  column: u32,  // of x, where the gates of its heads begin
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // (batches, tokens, pitch)
@group(0) @binding(2) var<storage, read> weight: array<f32>;         // (2, heads)
@group(0) @binding(3) var<storage, read> gates: array<f32>;          // (batches, heads, chunks, 2, CHUNK)
@group(0) @binding(4) var<storage, read> d_gates: array<f32>;        // (…, chunks, 3, CHUNK)
@group(0) @binding(5) var<storage, read> d_stays: array<f32>;        // (…, chunks, key_size)
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;       // (batches, tokens, pitch)
@group(0) @binding(7) var<storage, read_write> d_rates: array<f32>;  // (batches, tokens, 2, heads)

@compute @workgroup_size(64)
fn gated_delta_backward_gates(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = 64u * workgroup_index(id, count) + local;
  if (index >= params.batches * params.own * params.pitch) {
    return;
  }
  let within = index / params.pitch % params.own;
  let batch = index / params.pitch / params.own;
  let row = batch * params.tokens + params.first + within;
  let at = row * params.pitch + index % params.pitch;
  // Before the gates the difference wraps round to a large number.
  let gate = index % params.pitch - params.column;
  if (gate >= 2u * params.heads) {
    dx[at] = 0.0;
    return;
  }
  let head = gate % params.heads;
  let block = (batch * params.heads + head) * params.chunks + within / CHUNK;
  let i = within % CHUNK;
  let slopes = 3u * block * CHUNK;
  if (gate < params.heads) {
    dx[at] = d_gates[slopes + CHUNK + i];
    return;
  }
  var end = 0.0;
  for (var m = 0u; m < params.key_size; m++) {
    end += d_stays[block * params.key_size + m];
  }
  end *= exp(gates[2u * block * CHUNK + CHUNK - 1u]);
  for (var other = 0u; other < CHUNK; other++) {
    end += d_gates[slopes + 2u * CHUNK + other];
    if (other >= i) {
      end += d_gates[slopes + other];
    }
  }
  let slope = -exp(weight[params.heads + head]) * rate_of(x[at] + weight[head]) * end;
  dx[at] = slope;
  d_rates[row * 2u * params.heads + head] = slope;
  d_rates[(row * 2u + 1u) * params.heads + head] = log_decay(x[at], head) * end;
}
