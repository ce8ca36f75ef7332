// residual = PPᵀ - I of a few long vectors, one workgroup an element.
struct Params {
  vectors: u32,
  length: u32,
  pitch: u32,  // between vectors
  step: u32,   // between elements of one
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;       // (vectors, length), or its transpose
@group(0) @binding(2) var<storage, read_write> residual: array<f32>;  // (vectors, vectors)

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn gram_residual(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = workgroup_index(id, count);
  if (at >= params.vectors * params.vectors) {
    return;
  }
  let one = at / params.vectors;
  let other = at % params.vectors;
  var sum = 0.0;
  for (var i = local; i < params.length; i += 64u) {
    let place = i * params.step;
    sum += parameter[one * params.pitch + place] * parameter[other * params.pitch + place];
  }
  sums[local] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) {
      sums[local] += sums[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    residual[at] = sums[0] - select(0.0, 1.0, one == other);
  }
}
