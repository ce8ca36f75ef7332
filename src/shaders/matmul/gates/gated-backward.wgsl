// Gradients of a gated linear unit, y = activation(gate) · value: dgate = dy · value · activation'(gate)
// and dvalue = dy · activation(gate), side by side as the gate and the value in x. One invocation an
// Element of dy.
struct Params {
  rows: u32,
  columns: u32,
  value_first: u32,  // 1 or 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;         // (rows, 2 · columns)
@group(0) @binding(2) var<storage, read> dy: array<Element>;        // (rows, columns)
@group(0) @binding(3) var<storage, read_write> dx: array<Element>;  // (rows, 2 · columns)

@compute @workgroup_size(64)
fn gated_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let columns = params.columns / WIDTH;
  let i = 64u * workgroup_index(id, count) + local;
  if (i < params.rows * columns) {
    let at = i / columns * 2u * columns + i % columns;
    let gate = at + params.value_first * columns;
    let value = 2u * at + columns - gate;
    dx[gate] = dy[i] * x[value] * derivative(x[gate]);
    dx[value] = dy[i] * activate(x[gate]);
  }
}
