// -log sigmoid(z · x), z being 1 for pairs that belong together, which stand on the diagonal, and -1 for the
// others (SigLIP, Zhai et al., 2023, arXiv 2303.15343, eq. 2). One invocation a pair.
struct Params {
  size: u32,     // columns · columns
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (columns, columns)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (columns, columns)

@compute @workgroup_size(64)
fn sigmoid_loss(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let z = select(-x[i], x[i], i / params.columns == i % params.columns);
  y[i] = max(-z, 0.0) + log(1.0 + exp(-abs(z)));
}
