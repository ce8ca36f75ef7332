// Streams of tokens with shares of others: y[i] = x[i] + Σ (offset + coefficients[i, p]) · others[p] over p,
// where coefficients are 0 if there are none. Streams before `first` stay as they are. One invocation an
// element.
struct Params {
  size: u32,     // of x
  columns: u32,  // of a stream
  streams: u32,
  others: u32,
  first: u32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // (tokens, streams, columns)
@group(0) @binding(2) var<storage, read> others: array<f32>;        // (tokens, others, columns)
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;  // (tokens, streams, others)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;       // (tokens, streams, columns)

@compute @workgroup_size(64)
fn mix_streams(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let row = i / params.columns;  // of a stream
  let column = i % params.columns;
  var sum = x[i];
  if (row % params.streams >= params.first) {
    let token = row / params.streams;
    for (var other = 0u; other < params.others; other += 1u) {
      var share = params.offset;
      if (HAS_COEFFICIENTS) {
        share += coefficients[row * params.others + other];
      }
      sum += share * others[(token * params.others + other) * params.columns + column];
    }
  }
  y[i] = sum;
}
