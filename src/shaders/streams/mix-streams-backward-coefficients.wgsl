// The gradient of shares: d_coefficients[i, p] = Σ dy[i] · others[p] over the columns, 0 of streams before
// `first`. What row-*.wgsl says of a row is said of a share here.
struct Params {
  shares: u32,   // of all tokens
  columns: u32,  // of a stream
  streams: u32,
  others: u32,
  first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> others: array<f32>;                // (tokens, others, columns)
@group(0) @binding(2) var<storage, read> dy: array<f32>;                    // (tokens, streams, columns)
@group(0) @binding(3) var<storage, read_write> d_coefficients: array<f32>;  // (tokens, streams, others)

@compute @workgroup_size(GROUP)
fn mix_streams_backward_coefficients(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let share = row_of(workgroup_index(id, count), local);
  if (share >= params.shares) {
    return;
  }
  let stream = share / params.others;  // of all tokens
  let other = stream / params.streams * params.others + share % params.others;
  let dy_first = stream * params.columns;
  let others_first = other * params.columns;
  var sum = 0.0;
  if (stream % params.streams >= params.first) {
    for (var column = lane; column < params.columns; column += LANES) {
      sum += dy[dy_first + column] * others[others_first + column];
    }
  }
  sum = sum_over_row(sum, lane);
  if (lane == 0u) {
    d_coefficients[share] = sum;
  }
}
