// The gradient of the scores of layers: pᵢ · (gᵢ - Σ pⱼ · gⱼ), p being the softmax of the scores and gᵢ the
// sum of the products of the mixture's gradient and the output of a layer. One invocation a layer.
struct Params {
  layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;           // (layers)
@group(0) @binding(2) var<storage, read> products: array<f32>;         // (layers): g
@group(0) @binding(3) var<storage, read_write> d_scores: array<f32>;   // (layers)

@compute @workgroup_size(64)
fn layer_mix_backward(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let layer = 64u * workgroup_index(id, count) + local;
  if (layer >= params.layers) {
    return;
  }
  var largest = scores[0];
  for (var i = 1u; i < params.layers; i += 1u) {
    largest = max(largest, scores[i]);
  }
  var total = 0.0;
  var mean = 0.0;
  for (var i = 0u; i < params.layers; i += 1u) {
    let part = exp(scores[i] - largest);
    total += part;
    mean += part * products[i];
  }
  d_scores[layer] = exp(scores[layer] - largest) / total * (products[layer] - mean / total);
}
