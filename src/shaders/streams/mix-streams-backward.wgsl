// The gradient of what streams take shares of: d_others[p] = Σ (offset + coefficients[i, p]) · dy[i] over the
// streams i from `first` on. One invocation an element.
struct Params {
  size: u32,     // of d_others
  columns: u32,  // of a stream
  streams: u32,
  others: u32,
  first: u32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<f32>;    // (tokens, streams, others)
@group(0) @binding(2) var<storage, read> dy: array<f32>;              // (tokens, streams, columns)
@group(0) @binding(3) var<storage, read_write> d_others: array<f32>;  // (tokens, others, columns)

@compute @workgroup_size(64)
fn mix_streams_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let row = i / params.columns;
  let column = i % params.columns;
  let token = row / params.others;
  let other = row % params.others;
  var sum = 0.0;
  for (var stream = params.first; stream < params.streams; stream += 1u) {
    let at = token * params.streams + stream;
    var share = params.offset;
    if (HAS_COEFFICIENTS) {
      share += coefficients[at * params.others + other];
    }
    sum += share * dy[at * params.columns + column];
  }
  d_others[i] = sum;
}
