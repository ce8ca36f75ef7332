// y = activation(gate) · value, the gate and what it applies to standing side by side in each row of x, the
// one or the other first: GLU Variants Improve Transformer, Shazeer, arXiv 2002.05202, §2. One invocation an
// Element of y.
struct Params {
  rows: u32,
  columns: u32,
  value_first: u32,  // 1 or 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;        // (rows, 2 · columns)
@group(0) @binding(2) var<storage, read_write> y: array<Element>;  // (rows, columns)

@compute @workgroup_size(64)
fn gated(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = params.columns / WIDTH;
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.rows * columns) {
    let at = i / columns * 2u * columns + i % columns;
    let gate = params.value_first * columns;
    y[i] = activate(x[at + gate]) * x[at + columns - gate];
  }
}
