// ddelta = scale · dy, of dy from row `first` and column `left` on. One invocation an element.
struct Params {
  rows: u32,
  columns: u32,
  first: u32,
  count: u32,
  left: u32,
  width: u32,
  scale: f32,  // α / r
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;            // (rows, columns)
@group(0) @binding(2) var<storage, read_write> ddelta: array<f32>;  // (count, width)

@compute @workgroup_size(64)
fn lora_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  // Rows that lie elsewhere are left out; those before the first of dy wrap around.
  let row = i / params.width + params.first;
  if (i < params.count * params.width && row < params.rows) {
    ddelta[i] = params.scale * dy[row * params.columns + params.left + i % params.width];
  }
}
