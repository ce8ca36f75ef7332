// A layer's share in a mixture of layers, added to that of those before: sum + softmax(scores)ᵢ · x. One
// invocation an element.
struct Params {
  size: u32,
  layers: u32,
  index: u32,  // of the layer
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // (size)
@group(0) @binding(2) var<storage, read> scores: array<f32>;   // (layers)
@group(0) @binding(3) var<storage, read> sum: array<f32>;      // (size)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (size)

@compute @workgroup_size(64)
fn layer_mix(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.size) {
    return;
  }
  let own = scores[params.index];
  var total = 0.0;
  for (var layer = 0u; layer < params.layers; layer += 1u) {
    total += exp(scores[layer] - own);
  }
  var before = 0.0;
  if (HAS_SUM) {
    before = sum[i];
  }
  y[i] = before + x[i] / total;
}
