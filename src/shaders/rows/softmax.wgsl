// y = exp(x - max(x)) / Σ exp(x - max(x)) along each row.
struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (rows, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (rows, columns)

fn x4_at(i: u32) -> vec4f {
  return vec4f(x[i], x[i + LANES], x[i + 2u * LANES], x[i + 3u * LANES]);
}

@compute @workgroup_size(GROUP)
fn softmax(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let row = row_of(workgroup_index(id, count), local);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.columns;
  let end = first + params.columns;

  // Each pass takes four elements a lane as long as there are so many, then the rest singly.
  let rest = end - params.columns % (4u * LANES);

  var largest4 = vec4f(LOWEST);
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    largest4 = max(largest4, x4_at(i));
  }
  var largest = max(max(largest4.x, largest4.y), max(largest4.z, largest4.w));
  for (var i = rest + lane; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = max_over_row(largest, lane);

  // The exponentials are computed twice: that costs less than to write them and read them back.
  var total4 = vec4f();
  for (var i = first + lane; i < rest; i += 4u * LANES) {
    total4 += exp(x4_at(i) - largest);
  }
  var total = dot(total4, vec4f(1.0));
  for (var i = rest + lane; i < end; i += LANES) {
    total += exp(x[i] - largest);
  }
  let scale = 1.0 / sum_over_row(total, lane);

  for (var i = first + lane; i < rest; i += 4u * LANES) {
    let weights = exp(x4_at(i) - largest) * scale;
    y[i] = weights.x;
    y[i + LANES] = weights.y;
    y[i + 2u * LANES] = weights.z;
    y[i + 3u * LANES] = weights.w;
  }
  for (var i = rest + lane; i < end; i += LANES) {
    y[i] = exp(x[i] - largest) * scale;
  }
}
