// weight = how much a row counts by its label: a number for each class, 0 where it is IGNORED. One invocation
// a row.
struct Params {
  rows: u32,
  classes: u32,
}

const IGNORED = 0xffffff9cu;  // -100 as a two's complement word

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> label: array<u32>;         // (rows)
@group(0) @binding(2) var<storage, read> factor: array<f32>;        // (classes)
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;  // (rows)

@compute @workgroup_size(64)
fn label_weights(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.rows) {
    return;
  }
  let own = label[i];
  weight[i] = select(factor[min(own, params.classes - 1u)], 0.0, own == IGNORED);
}
